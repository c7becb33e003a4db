"""What the watchdog takes for stuck, and what it does not."""

from danbao.watch.progress import Progress

T = 15.0


def watched(*waiting: dict[str, str] | None, marks: list[dict[str, object]] | None = None) -> bool:
    """Look once a second with the last given answer and mark; tells whether anything was stuck."""
    progress = Progress(T)
    for second in range(120):
        mark = (marks or [{"a": 0}])[min(second, len(marks or [0]) - 1)]
        progress.note(float(second), mark)
        if progress.should_ask(float(second)):
            answer = waiting[min(second, len(waiting) - 1)]
            if progress.judge(float(second), answer):
                return True
    return False


def test_work_that_waits_while_nothing_moves_is_stuck() -> None:
    """This is what the watchdog is for."""
    assert watched({"a": "stands at 3 of 5"})


def test_work_that_waits_under_a_name_of_its_own_is_stuck_too() -> None:
    """A worker that its group does not know has no partition to name."""
    assert watched({"group": "no such member"})


def test_nothing_to_do_is_not_stuck() -> None:
    """Standing still is no fault by itself."""
    assert not watched({})


def test_a_server_that_is_away_is_held_against_nobody() -> None:
    """Starting anew would not bring it back."""
    assert not watched(None)


def test_slow_work_that_moves_is_not_stuck() -> None:
    """A move every ten seconds is a move."""
    marks: list[dict[str, object]] = [{"a": second // 10} for second in range(120)]

    assert not watched({"a": "stands at 3 of 5"}, marks=marks)


def test_work_that_came_just_before_the_question_is_given_time() -> None:
    """An idle process is asked now and then; one command that arrives then is no proof."""
    progress = Progress(T)
    progress.note(0.0, {"a": 0})
    progress.note(100.0, {"a": 0})

    assert progress.judge(100.0, {"a": "stands at 3 of 4"}) is None
    progress.note(101.0, {"a": 1})
    assert progress.judge(105.0, {}) is None


def test_a_server_that_was_away_for_long_leaves_time_to_find_it_again() -> None:
    """Nothing moved while it was frozen; joining the group again takes some seconds more."""
    progress = Progress(T)
    progress.note(0.0, {"a": 0})
    progress.note(16.0, {"a": 0})
    assert progress.judge(16.0, {"a": "stands at 3 of 4"}) is None
    progress.note(21.0, {"a": 0})
    assert progress.judge(21.0, {"a": "stands at 3 of 4"}) is None
    progress.note(26.0, {"a": 0})
    assert progress.judge(26.0, {"a": "stands at 3 of 4"})


def test_what_moves_is_not_asked_about() -> None:
    """To look at partitions that move would cost a busy worker a tenth of a second each time."""
    progress = Progress(T)
    progress.note(0.0, {"moving": 0, "still": 0, "group": 0})
    progress.note(19.0, {"moving": 7, "still": 0, "group": 0})

    assert progress.should_ask(20.0)
    assert progress.moving(20.0) == {"moving"}
    assert progress.moving(21.0) == set()


def test_a_stop_of_the_watcher_itself_is_forgotten() -> None:
    """After a SIGSTOP everything looks old; the process must get its chance first."""
    progress = Progress(T)
    progress.note(0.0, {"a": 0})
    progress.forget()
    progress.note(100.0, {"a": 0})

    assert not progress.should_ask(101.0)
