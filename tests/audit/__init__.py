"""The auditor: holds a whole history of danbao against its specification.

It is written from the wire contract alone, shares no code with the engine, and reads nothing
but raw tables and raw Kafka records (reliability.md, section 4, C1). `python -m tests.audit`
runs it by hand; integration tests call `audit`.
"""

from .report import Violation
from .runner import audit

__all__ = ["Violation", "audit"]
