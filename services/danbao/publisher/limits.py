"""How hard a run pushes (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Burst:
    """A flash sale: so many times the rate, from one time of the run to another."""

    factor: float
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard to push; every limit of the publisher has its name here."""

    in_flight: int = 1_000
    """Flows open at once; a flow is open from its first line until its last is done."""
    rate: float | None = None
    """Flows started a second, open loop; without it a flow starts when another ends."""
    uniform: bool = False
    """Start times in even steps instead of Poisson."""
    burst: Burst | None = None
    """With a rate: a stretch of time in which it is higher."""
    timeout_s: float = 60.0
    """Without any progress for so long the open flows count as stuck."""
    tick_s: float = 0.01
    """Shortest time from look to look at the events: smaller is quicker, larger is cheaper."""
