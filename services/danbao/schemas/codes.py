"""Why things do not happen: refusals, declines and returns, with what each command may answer.

What a command may answer is not written down anywhere: it is found by running its decider in every
state that can be reached (`danbao.schemas.states`).  Two codes come from the kernel, for any
command: `invalid_command` and `command_id_reused`.
"""

from collections.abc import Mapping
from typing import Final, get_args

from danbao.contracts.message import wire_type
from danbao.contracts.rejection import MEANING, DeclineCode, RejectionCode, ReturnReason
from danbao.contracts.risk import Reason
from danbao.schemas.document import Json
from danbao.schemas.messages import PUBLIC_COMMANDS
from danbao.schemas.states.explore import Step
from danbao.schemas.states.machines import explored

FROM_KERNEL: Final = (RejectionCode.COMMAND_ID_REUSED, RejectionCode.INVALID_COMMAND)

DECLINE_MEANING: Final[Mapping[DeclineCode, str]] = {
    DeclineCode.RISK_DECLINED: "The risk rules declined it; the assessment gives the reasons.",
    DeclineCode.ACCOUNT_UNKNOWN: "The payer has no account.",
    DeclineCode.ACCOUNT_FROZEN: "The payer's account is frozen.",
    DeclineCode.CURRENCY_MISMATCH: "The payer's wallet is in another currency.",
    DeclineCode.INSUFFICIENT_FUNDS: "The payer's wallet holds less than the amount.",
}
RETURN_MEANING: Final[Mapping[ReturnReason, str]] = {
    ReturnReason.TRADE_UNKNOWN: "There is no such trade.",
    ReturnReason.TRADE_CLOSED: "The trade was closed before the payment came.",
    ReturnReason.ALREADY_PAID: "The trade was paid before.",
    ReturnReason.WRONG_PAYER: "The payer is not the trade's buyer.",
    ReturnReason.WRONG_AMOUNT: "The amount is not the trade's.",
    ReturnReason.WRONG_CURRENCY: "The currency is not the trade's.",
}
RISK_MEANING: Final[Mapping[str, str]] = {
    "amount_over_limit": "The payment is larger than any single payment may be.",
    "listed": "Payer, device or address is on the block list.",
    "velocity_payer": "The payer asked for too many payments in the window.",
}


def refusals_of(steps: list[Step]) -> tuple[RejectionCode, ...]:
    """The codes that these steps ended with and the kernel's own, in the order of the code."""
    found = {step.refusal for step in steps if step.refusal is not None} | set(FROM_KERNEL)
    return tuple(code for code in RejectionCode if code in found)


def answers() -> dict[str, Json]:
    """By command: the events that may answer it, and the codes it may be refused with."""
    steps = [step for exploration in explored() for step in exploration.steps]
    made: dict[str, Json] = {}
    for name, command in PUBLIC_COMMANDS.items():
        own = [step for step in steps if type(step.wish) is command]
        events = {tuple(wire_type(type(event)) for event in step.events) for step in own}
        made[name] = {
            "events": sorted(list(answer) for answer in events if answer),
            "refusals": [code.value for code in refusals_of(own)],
        }
    return made


def codes() -> Json:
    """Document `schemas/codes.json`."""
    by_command = answers()
    refusals = {
        code.value: {
            "advice": advice,
            "commands": sorted(name for name in by_command if code in by_command[name]["refusals"]),
            "meaning": meaning,
        }
        for code, (meaning, advice) in MEANING.items()
    }
    return {
        "$comment": "Made from the code by `make schemas`. A refusal is final for its command id.",
        "commands": by_command,
        "declines": _ordered({code.value: text for code, text in DECLINE_MEANING.items()}),
        "refusals": refusals,
        "returns": _ordered({reason.value: text for reason, text in RETURN_MEANING.items()}),
        "risk_reasons": _ordered({name: RISK_MEANING[name] for name in get_args(Reason)}),
    }


def _ordered(meanings: Mapping[str, str]) -> Json:
    """Meanings with their place in the order in which they are checked, from 1."""
    return {
        name: {"meaning": meaning, "order": order}
        for order, (name, meaning) in enumerate(meanings.items(), start=1)
    }
