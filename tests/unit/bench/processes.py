"""Processes to be looked at, and an engine that is made of them."""

import os

from danbao.engine.record import EngineRecord

SLEEP = "import time; time.sleep(60)"
PARENT = f"""
import subprocess, sys
children = [subprocess.Popen([sys.executable, "-c", "{SLEEP}"]) for _ in range(2)]
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
for child in children:
    child.kill()
    child.wait()
"""


def engine(**processes: int) -> EngineRecord:
    """An engine of which these processes are told."""
    return EngineRecord(
        pid=os.getpid(),
        started=0.0,
        postgres_dsn="",
        kafka_bootstrap="",
        partitions=8,
        processes=processes,
    )
