"""A mix as life has it: most trades go well, some are refunded, run out of time or are declined.

Shares are of trades.  Besides, one command of a hundred is sent twice.  Every trade ends, and how
it ends is certain from the start, so a run can be checked to the last event.
"""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from random import Random

from danbao.bench.whole_trades import (
    CREDITED,
    EVENTS_A_TRADE,
    FUNDED,
    SHIPPED,
    Expected,
    Trade,
    WholeTrades,
    command,
    confirm,
    create,
    pay,
    ship,
    wait,
)
from danbao.publisher import Line

Play = Callable[[Random, Trade], list[Line]]

SENT_TWICE = 0.01
RUN_OUT_S = 1
DECLINED_MINOR = 5_000_001
"""More than the default risk rules let pass."""
CLOSED = {"escrow.trade_closed.v1": 1}
APPLIED = {"escrow.refund_applied.v1": 1}
REFUNDED = {"escrow.trade_refunded.v1": 1}
DECLINED = {"authorization.payment_declined.v1": 1}


def whole(random: Random, trade: Trade) -> list[Line]:
    """Created, paid, shipped, confirmed, credited."""
    return [
        create(random, trade),
        pay(random, trade),
        ship(random, trade),
        confirm(random, trade, SHIPPED),
        wait(trade, CREDITED),
    ]


def refunded(random: Random, trade: Trade) -> list[Line]:
    """All of it given back before it was shipped."""
    return [
        create(random, trade),
        pay(random, trade),
        *_refund(random, trade, trade.minor, FUNDED),
        wait(trade, CLOSED),
    ]


def refunded_in_part(random: Random, trade: Trade) -> list[Line]:
    """A third given back once it has come, the rest released."""
    return [
        create(random, trade),
        pay(random, trade),
        ship(random, trade),
        *_refund(random, trade, trade.minor // 3, SHIPPED),
        confirm(random, trade, REFUNDED),
        wait(trade, CREDITED),
    ]


def never_paid(random: Random, trade: Trade) -> list[Line]:
    """Closed by a timer."""
    return [create(random, trade, more=f',"pay_within_s":{RUN_OUT_S}'), wait(trade, CLOSED)]


def never_confirmed(random: Random, trade: Trade) -> list[Line]:
    """Released by a timer."""
    return [
        create(random, trade, more=f',"auto_confirm_s":{RUN_OUT_S}'),
        pay(random, trade),
        ship(random, trade),
        wait(trade, CREDITED),
    ]


def declined(random: Random, trade: Trade) -> list[Line]:
    """Too dear for the risk rules; the buyer gives up."""
    dear = Trade(trade.number, trade.name, trade.buyer, trade.seller, DECLINED_MINOR)
    data = f'{{"trade_id":"{trade.name}","reason":"declined"}}'
    return [
        create(random, dear),
        pay(random, dear),
        command(random, dear, "escrow.cancel_trade.v1", data, DECLINED),
        wait(dear, CLOSED),
    ]


@dataclass(frozen=True, slots=True)
class Scene:
    """One way that trades go, and what each leaves behind."""

    play: Play
    share: float
    events: int
    credited: int = 0
    declined: int = 0
    timers: int = 0
    """Deadlines that come: each is answered like a command."""


MIX = (
    Scene(whole, 0.75, EVENTS_A_TRADE, credited=1),
    Scene(refunded, 0.08, 8),
    Scene(refunded_in_part, 0.06, 10, credited=1),
    Scene(never_confirmed, 0.05, 8, credited=1, timers=1),
    Scene(never_paid, 0.04, 2, timers=1),
    Scene(declined, 0.02, 5, declined=1),
)
SHARES = tuple(scene.share for scene in MIX)


class MixedTrades(WholeTrades):
    """As whole trades, but only most of them are."""

    def _flow(self, random: Random, trade: Trade) -> list[Line]:
        """All lines of one trade, some twice."""
        [scene] = random.choices(MIX, SHARES)
        lines = scene.play(random, trade)
        commands = sum(1 for line in lines if line.type)
        self.expected = self.expected.plus(
            Expected(commands, scene.events, scene.credited, scene.declined, scene.timers)
        )
        if random.random() < SENT_TWICE * commands:
            place = random.randrange(commands)
            lines.insert(place + 1, copy(lines[place]))
        return lines


def _refund(random: Random, trade: Trade, minor: int, after: Mapping[str, int]) -> list[Line]:
    name = f'"trade_id":"{trade.name}","refund_id":"r1"'
    apply = (
        f'{{{name},"amount":{{"minor":{minor},"currency":"CNY"}},"kind":"money_only",'
        f'"reason":"changed my mind"}}'
    )
    return [
        command(random, trade, "escrow.apply_refund.v1", apply, after),
        command(random, trade, "escrow.agree_refund.v1", f"{{{name}}}", APPLIED),
    ]
