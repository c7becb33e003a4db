"""What `danbao doctor` finds at the processes of a running engine: each is asked if it is ready."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Mapping

from danbao.kernel.findings import Finding, Status

ANSWER_WITHIN_S = 3


async def examine_processes(health: Mapping[str, str]) -> list[Finding]:
    """Ask each process at its address; one line for all that are ready, one for each other."""
    answers = await asyncio.gather(*(asyncio.to_thread(_ask, url) for url in health.values()))
    return find_processes(dict(zip(health, answers, strict=True)))


def find_processes(reasons: Mapping[str, list[str]]) -> list[Finding]:
    """Judge the answers: reasons for not being ready, by process."""
    if not reasons:
        return []
    todo = "See docs/how-to/probe-and-stop-processes.md, and the log of the process."
    unready = [
        Finding(f"process {name}", Status.MISSING, "; ".join(why), todo)
        for name, why in reasons.items()
        if why
    ]
    ready = len(reasons) - len(unready)
    return [Finding("processes", Status.OK, f"{ready} of {len(reasons)} are ready"), *unready]


def _ask(url: str) -> list[str]:
    """Give the reasons for which a process is not ready."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=ANSWER_WITHIN_S):  # noqa: S310 - ours
            return []
    except urllib.error.HTTPError as error:
        with error:
            return list(json.load(error)["reasons"])
    except (OSError, ValueError) as error:
        return [f"does not answer at {url}: {error}"]
