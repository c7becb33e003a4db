"""The version of a Java is read from what it prints."""

from pathlib import Path

import pytest

from danbao.servers.java import Java, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK 64-Bit Server VM', 17),
        ('openjdk version "25.0.2" 2026-01-20 LTS', 25),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "9"', 9),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_the_feature_version_is_read_from_every_style(text: str, version: int | None) -> None:
    """Old Javas count from 1.x, early-access builds carry a suffix, macOS has a stub."""
    assert parse_version(text) == version


def test_two_builds_of_one_version_have_two_names() -> None:
    """An archive of classes belongs to one build and must not be offered to another."""
    one = Java(Path("java"), "PATH", 'openjdk version "17.0.15" build 17.0.15+6, sharing')
    two = Java(Path("java"), "PATH", 'openjdk version "17.0.16" build 17.0.16+8')

    assert one.build != two.build
    assert one.has_archive
    assert not two.has_archive
