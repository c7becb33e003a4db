"""What `danbao publish FILE…` does, as a library: it needs Kafka only, never Postgres."""

from danbao.publisher.answers import Decline, Refusal
from danbao.publisher.commandfile import CommandFileError, Line, parse_lines, read_command_file
from danbao.publisher.limits import Limits
from danbao.publisher.publisher import Progress, PublishError, publish
from danbao.publisher.stuck import FlowsStuckError, Stuck
from danbao.publisher.summary import Latency, Summary

__all__ = [
    "CommandFileError",
    "Decline",
    "FlowsStuckError",
    "Latency",
    "Limits",
    "Line",
    "Progress",
    "PublishError",
    "Refusal",
    "Stuck",
    "Summary",
    "parse_lines",
    "publish",
    "read_command_file",
]
