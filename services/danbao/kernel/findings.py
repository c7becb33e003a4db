"""Findings: what a look at a machine or a server shows, said the same way by start and doctor."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from danbao.kernel.errors import SetupError


class Status(StrEnum):
    """How a finding stands: fine, worth knowing, or in the way."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `todo` is empty when there is nothing to do."""

    name: str
    status: Status
    detail: str
    todo: str = ""
    code: str = ""
    """Stable name of what is wrong, for what a start refuses or warns of."""


class CheckError(SetupError):
    """A finding is in the way of a start; `code` is the finding's."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.name}: {finding.detail}", todo=finding.todo)
        self.code = finding.code or SetupError.code


def refuse_faults(findings: Iterable[Finding]) -> None:
    """Do nothing when nothing is in the way.

    Raises:
        CheckError: something is; the first such finding.
    """
    for finding in findings:
        if finding.status is Status.MISSING:
            raise CheckError(finding)
