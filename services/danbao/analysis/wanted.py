"""Which events somebody asks for: those of a flow, of a stream, of a type, or all."""

import re

import msgspec

from danbao.kernel.messages import LogRow


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which events are asked for; what is None does not matter."""

    flow: str | None = None
    stream: str | None = None
    type: str | None = None
    """A type, or a pattern in which `*` stands for anything."""

    def __str__(self) -> str:
        """What is asked for, in words."""
        named = msgspec.to_builtins(self).items()
        return ", ".join(f"{name} {value}" for name, value in named) or "all events"

    @property
    def like(self) -> str | None:
        """The type's pattern as SQL has it."""
        if self.type is None:
            return None
        return re.sub(r"([\\%_])", r"\\\1", self.type).replace("*", "%")

    def takes(self, row: LogRow) -> bool:
        """Tell whether an event is asked for."""
        return (
            self.flow in {None, row.partition_key}
            and self.stream in {None, row.stream}
            and (self.type is None or _pattern(self.type).fullmatch(row.type) is not None)
        )


def _pattern(text: str) -> re.Pattern[str]:
    """Turn a pattern with `*` into an expression; `re` keeps it compiled."""
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))
