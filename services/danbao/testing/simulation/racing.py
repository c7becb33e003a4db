"""Commands that name what another command is only just making: locks on missing rows must hold."""

from random import Random
from typing import Any, Final

from danbao.testing.market_flow import CommandLine, command_id

OPEN: Final = "accounts.open_account.v1"
TOP_UP: Final = "accounts.top_up.v1"
LIST: Final = "risk.add_to_list.v1"
RACED: Final = frozenset({OPEN, TOP_UP, LIST})
RACERS: Final = 2


def racers(line: CommandLine, random: Random) -> list[CommandLine]:
    """Make commands that run against the one of the line: trades with a seller, or payments."""
    return [_racer(line, random, f"R{random.getrandbits(48):012x}") for _ in range(RACERS)]


def _racer(line: CommandLine, random: Random, trade: str) -> CommandLine:
    data = line["data"]
    if line["type"] == OPEN and data.get("kind") == "merchant":
        amount = {"minor": 100, "currency": data["currency"]}
        body = {"trade_id": trade, "buyer": "R-0", "seller": data["account_id"], "amount": amount}
        return _line(line, random, "escrow.create_trade.v1", trade, body | {"title": "a race"})
    payer = data.get("value", data.get("account_id"))
    amount = data.get("amount", {"minor": 100, "currency": data.get("currency", "CNY")})
    payment = {"payment_id": f"{trade}-p", "trade_id": trade, "payer": payer, "amount": amount}
    if data.get("kind") in {"device", "ip"}:
        payment |= {"payer": "R-0", data["kind"] + "_id" * (data["kind"] == "device"): payer}
    kind = "authorization.authorize_payment.v1"
    return _line(line, random, kind, trade, payment | {"method": "balance"})


def _line(
    line: CommandLine, random: Random, kind: str, key: str, data: dict[str, Any]
) -> CommandLine:
    return {
        "id": command_id(random, 0.0),
        "type": kind,
        "source": line["source"],
        "partitionkey": key,
        "data": data,
    }
