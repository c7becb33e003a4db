"""What `danbao doctor` finds at the processes of a running engine: each is asked if it is ready."""

import asyncio
from collections.abc import Mapping

from danbao.engine.ready import unready
from danbao.kernel.findings import Finding, Status


async def examine_processes(health: Mapping[str, str]) -> list[Finding]:
    """Ask each process at its address; one line for all that are ready, one for each other."""
    answers = await asyncio.gather(*(asyncio.to_thread(unready, url) for url in health.values()))
    return find_processes(dict(zip(health, answers, strict=True)))


def find_processes(reasons: Mapping[str, list[str]]) -> list[Finding]:
    """Judge the answers: reasons for not being ready, by process."""
    if not reasons:
        return []
    todo = "See docs/how-to/probe-and-stop-processes.md, and the log of the process."
    not_ready = [
        Finding(f"process {name}", Status.MISSING, "; ".join(why), todo)
        for name, why in reasons.items()
        if why
    ]
    ready = len(reasons) - len(not_ready)
    return [Finding("processes", Status.OK, f"{ready} of {len(reasons)} are ready"), *not_ready]
