"""Test kit for users: given/when/then, an in-memory engine, market days, simulations from seeds.

What is named here stays; everything else below may change.  Nothing of it needs a server.
"""

from danbao.testing.builders import account, cents, fen, listed, policy
from danbao.testing.engine import Engine
from danbao.testing.market import MarketDay, simulate_market, write_market
from danbao.testing.simulation import Fault, Options, Result, Sweep, shrink, simulate, sweep
from danbao.testing.spec import fold, given

__all__ = [
    "Engine",
    "Fault",
    "MarketDay",
    "Options",
    "Result",
    "Sweep",
    "account",
    "cents",
    "fen",
    "fold",
    "given",
    "listed",
    "policy",
    "shrink",
    "simulate",
    "simulate_market",
    "sweep",
    "write_market",
]
