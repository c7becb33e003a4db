"""What infra/ declares is what the engine makes and checks."""

import json
from pathlib import Path
from typing import Final

from danbao.kernel.settings import Settings
from danbao.kernel.topics import declared_topics

FILE: Final = Path(__file__).parents[3] / "infra" / "kafka" / "topics.json"
DECLARED: Final = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_topic_has_the_settings_that_the_engine_checks() -> None:
    """An operator who makes the topics by this file must not be refused at the first start."""
    assert declared_topics() == DECLARED["topics"]


def test_the_partition_count_is_the_default_one() -> None:
    """Partition counts never change, so the first one counts."""
    assert Settings().partitions == DECLARED["partitions"]


def test_topics_stand_in_the_order_of_their_names() -> None:
    """Who looks for a topic finds it, and a change shows as one line."""
    assert list(DECLARED["topics"]) == sorted(DECLARED["topics"])
