"""What time it is: Postgres', whatever the clock of a process's own machine does."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from danbao.kernel.clock import PostgresClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOT_MOVED = timedelta(0)


@dataclass
class Machine:
    """A wall clock that jumps as the test says, and seconds that never do."""

    wall: datetime = NOON
    seconds: float = 100.0

    def clock(self, *, is_moved: bool = True) -> PostgresClock:
        return PostgresClock(
            is_moved=is_moved, machine=lambda: self.wall, seconds=lambda: self.seconds
        )

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


def test_a_jump_of_the_machine_moves_nothing() -> None:
    """Forward or back: a deadline is not sent early, and nothing goes backwards."""
    machine = Machine()
    clock = machine.clock()
    clock.tell(NOON, NOT_MOVED)
    for jump in (HOUR, -2 * HOUR, timedelta(days=400)):
        machine.wall += jump
        assert clock.now() == NOON


def test_time_goes_on_between_two_answers() -> None:
    """A process need not ask for every reading."""
    machine = Machine()
    clock = machine.clock()
    clock.tell(NOON, NOT_MOVED)
    machine.wait(2.5)

    assert clock.now() == NOON + timedelta(seconds=2.5)


def test_what_the_sandbox_moved_counts_for_all_but_the_lease() -> None:
    """Ten days passed for trades; the relay still publishes."""
    moved, lease = Machine().clock(), Machine().clock(is_moved=False)
    for clock in (moved, lease):
        clock.tell(NOON, timedelta(days=10))

    assert moved.now() == NOON + timedelta(days=10)
    assert lease.now() == NOON


def test_clocks_that_disagree_are_a_reason_for_doubt_until_they_agree_again() -> None:
    """Either may have jumped; a deadline sent too early cannot be taken back."""
    machine = Machine()
    clock = machine.clock()
    clock.tell(NOON + timedelta(seconds=5), NOT_MOVED)
    assert clock.doubt() == ""
    clock.tell(NOON + HOUR, timedelta(days=10))
    assert clock.doubt() == "this machine's clock is -3600 s from that of Postgres"
    machine.wall += HOUR
    clock.tell(NOON + HOUR, timedelta(days=10))

    assert clock.doubt() == ""
