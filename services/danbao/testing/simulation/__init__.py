"""The whole engine in one event loop, with faults drawn from a seed, and every promise checked.

    result = simulate(Options(seed=17, commands=300))
    assert result.is_green, result.problems

Six services with one to three workers each, one or two relays and the scheduler run on the ports in
memory, in virtual time.  One seed is one run: the same options give the same trace.  From a shell:
`python -m danbao.testing.simulation --help`.
"""

from danbao.testing.simulation.faults import Fault, Options
from danbao.testing.simulation.run import Result, simulate
from danbao.testing.simulation.shrink import shrink
from danbao.testing.simulation.sweep import Sweep, sweep

__all__ = ["Fault", "Options", "Result", "Sweep", "shrink", "simulate", "sweep"]
