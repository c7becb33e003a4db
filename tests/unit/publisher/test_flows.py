"""When a line may go out, and when a file is done."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.publisher.lines import CREATED, FUNDED, REJECTED, begun, line, taken

from danbao.publisher.commandfile import Line
from danbao.publisher.flows import Schedule


def test_lines_go_out_in_order_and_no_further_than_the_first_unmet_wait() -> None:
    """A later line never overtakes an earlier one of its flow."""
    schedule = begun([line("T", "1"), line("T", "2", CREATED), line("T", "3")])
    assert taken(schedule) == ["1"]

    schedule.observe("T", CREATED, "1")
    assert taken(schedule) == ["2", "3"]


def test_a_type_listed_twice_needs_two_events() -> None:
    """Two top-ups are both there before the payment goes out."""
    schedule = begun([line("B", "1", CREATED, CREATED)])

    schedule.observe("B", CREATED, "x")
    assert taken(schedule) == []
    schedule.observe("B", CREATED, "y")
    assert taken(schedule) == ["1"]


def test_several_types_must_all_have_come() -> None:
    """A line that waits for two things waits for both."""
    schedule = begun([line("T", "1", CREATED, FUNDED)])

    schedule.observe("T", FUNDED, "x")
    assert taken(schedule) == []
    schedule.observe("T", CREATED, "x")
    assert taken(schedule) == ["1"]


def test_flows_do_not_wait_for_each_other() -> None:
    """A slow trade holds no other trade up."""
    schedule = begun([line("T", "1", CREATED), line("U", "2"), line("U", "3", CREATED)])
    assert taken(schedule) == ["2"]

    schedule.observe("U", CREATED, "2")
    assert taken(schedule) == ["3"]


def test_a_file_is_done_when_waits_are_met_and_commands_answered() -> None:
    """Neither the last answer nor the last wait alone ends a file."""
    schedule = begun([line("T", "1"), line("T", "", FUNDED)])
    taken(schedule)

    schedule.observe("T", CREATED, "1")
    assert not schedule.is_file_done
    schedule.observe("T", FUNDED, "some event")
    assert schedule.is_file_done
    assert (schedule.lines_done, schedule.lines_total, schedule.answered) == (2, 2, 1)


def test_a_flow_with_nothing_to_wait_for_still_needs_its_answer() -> None:
    """A command that nobody answers keeps the file open."""
    schedule = begun([line("T", "1")])
    taken(schedule)
    assert not schedule.is_file_done

    schedule.observe("T", REJECTED, "1")
    assert schedule.is_file_done


def test_one_block_of_events_is_one_answer() -> None:
    """A command that causes three events was answered once, so a second body stays unanswered."""
    schedule = begun([line("T", "1"), line("T", "1", data=b"[2]")])
    taken(schedule)

    for event in (CREATED, FUNDED, FUNDED):
        schedule.observe("T", event, "1")
    assert not schedule.is_file_done
    schedule.observe("T", REJECTED, "1")
    assert schedule.is_file_done


def test_each_other_body_of_an_id_has_its_own_refusal() -> None:
    """Three bodies under one id: one decision and two `command_id_reused`, in any order."""
    bodies = [line("T", "1"), line("T", "1", data=b"[2]"), line("T", "1", actor="buyer:B")]
    schedule = begun(bodies)
    taken(schedule)

    for event in (REJECTED, REJECTED):
        schedule.observe("T", event, "1")
        assert not schedule.is_file_done
    schedule.observe("T", CREATED, "1")
    assert schedule.is_file_done


def test_the_same_line_again_is_published_again_and_answered_once() -> None:
    """A duplicate has no answer of its own, be it in other bytes."""
    lines = [line("T", "1", data=b'{"a":1}'), line("T", "1", data=b'{ "a": 1 }')]
    schedule = begun(lines)
    assert taken(schedule) == ["1", "1"]

    schedule.observe("T", CREATED, "1")
    assert schedule.is_file_done
    assert schedule.command_ids == 1


def test_one_id_in_two_flows_is_answered_in_each() -> None:
    """The key is part of the body: the second flow gets its own refusal."""
    schedule = begun([line("T", "1"), line("U", "1")])
    taken(schedule)

    schedule.observe("U", REJECTED, "1")
    assert not schedule.is_file_done
    schedule.observe("T", CREATED, "1")
    assert schedule.is_file_done


def test_a_file_published_before_ends_at_once() -> None:
    """Everything counts from the start of the topics, so the second time adds nothing."""
    lines = [
        line("T", "1"),
        line("T", "1", data=b"[2]"),
        line("T", "2", CREATED, REJECTED),
        line("T", "", FUNDED),
    ]
    schedule = Schedule([lines])
    for event, cause in ((CREATED, "1"), (REJECTED, "1"), (FUNDED, "2")):
        schedule.observe("T", event, cause)

    schedule.begin()
    schedule.start(1)

    assert taken(schedule) == ["1", "1", "2"]
    assert schedule.is_file_done
    assert schedule.answered == 3


def test_events_of_a_later_file_count_while_an_earlier_one_runs() -> None:
    """A merchant's flow goes on in the third file with all that the first one saw."""
    schedule = begun([line("M", "1")], [line("M", "2", CREATED)])
    taken(schedule)
    schedule.observe("M", CREATED, "1")
    assert schedule.is_file_done
    assert schedule.has_files

    schedule.begin()
    schedule.start(1)
    assert taken(schedule) == ["2"]
    schedule.observe("M", FUNDED, "2")
    assert schedule.is_file_done
    assert not schedule.has_files


def test_a_duplicate_in_a_later_file_needs_no_second_answer() -> None:
    """Ids are remembered across the files of one run."""
    schedule = begun([line("M", "1")], [line("M", "1")])
    taken(schedule)
    schedule.observe("M", CREATED, "1")

    schedule.begin()
    schedule.start(1)
    assert taken(schedule) == ["1"]
    assert schedule.is_file_done


def test_only_so_many_flows_are_open_as_were_started() -> None:
    """The caller limits the load; flows start in the order of the file."""
    schedule = begun([line(flow, flow) for flow in "TUV"], flows_max=2)
    assert taken(schedule) == ["T", "U"]
    assert (schedule.open_flows, schedule.unstarted_flows) == (2, 1)

    schedule.observe("T", CREATED, "T")
    assert schedule.open_flows == 1
    assert schedule.start(5) == 1
    assert taken(schedule) == ["V"]


def test_the_first_answer_is_reported_once_for_the_latency() -> None:
    """Only the first event of the first answer tells how long a command took."""
    schedule = begun([line("T", "1")])
    taken(schedule)

    first = schedule.observe("T", CREATED, "1")
    assert first is not None
    assert schedule.observe("T", FUNDED, "1") is None
    assert schedule.observe("T", FUNDED, "unknown") is None


def test_commands_that_had_their_answer_are_counted() -> None:
    """Publishing a file again shows that nothing new was asked for."""
    schedule = Schedule([[line("T", "1"), line("T", "2"), line("T", "2")]])
    schedule.observe("T", CREATED, "1")
    schedule.begin()
    schedule.start(1)

    assert (schedule.already_answered, schedule.repeats) == (1, 1)


@st.composite
def files(draw: st.DrawFn) -> list[Line]:
    """Interleaved flows whose lines wait for a count of the answers to the lines before them."""
    lines: list[Line] = []
    sent: Counter[str] = Counter()
    for number, flow in enumerate(draw(st.lists(st.sampled_from("TUVW"), max_size=40))):
        wanted = draw(st.integers(min_value=0, max_value=sent[flow]))
        name = str(number) if draw(st.booleans()) else ""
        lines.append(line(flow, name, *[CREATED] * wanted))
        sent[flow] += bool(name)
    return lines


@given(files(), st.randoms(use_true_random=False), st.integers(min_value=1, max_value=5))
@settings(max_examples=200)
@pytest.mark.slow
def test_in_any_order_of_answers_all_lines_go_out_once_and_in_order(
    lines: list[Line],
    random: "object",
    in_flight: int,
) -> None:
    """However the answers are mixed, nothing is lost, doubled, early or out of order."""
    schedule = Schedule([lines])
    schedule.begin()
    unanswered: list[Line] = []
    published: list[Line] = []
    answered: Counter[str] = Counter()
    while not schedule.is_file_done:
        schedule.start(in_flight - schedule.open_flows)
        for _, ready in schedule.take_ready():
            assert all(answered[ready.partitionkey] >= n for n in ready.after.values())
            published.append(ready)
            unanswered.append(ready)
        assert schedule.open_flows <= in_flight
        if unanswered:
            answer = unanswered.pop(random.randrange(len(unanswered)))  # type: ignore[attr-defined]
            answered[answer.partitionkey] += 1
            schedule.observe(answer.partitionkey, CREATED, answer.id)

    assert schedule.lines_done == len(lines)
    for flow in "TUVW":
        wanted = [item.id for item in lines if item.partitionkey == flow and item.type]
        assert [item.id for item in published if item.partitionkey == flow] == wanted


@pytest.mark.parametrize("empty", [[], [[]]])
def test_nothing_to_publish_is_done_at_once(empty: list[list[Line]]) -> None:
    """An empty file is no error."""
    schedule = Schedule(empty)
    while schedule.has_files:
        assert schedule.begin() == 0

    assert schedule.is_file_done
