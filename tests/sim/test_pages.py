"""The examples on the pages about testing run as they stand there."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

HOW_TO: Final = Path(__file__).parents[2] / "docs" / "how-to"
PAGES: Final = ("test-your-own-code-with-danbao.md", "simulate-faults-from-a-seed.md")
_PYTHON: Final = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str) -> None:
    """Whoever copies an example has something that works."""
    blocks = _PYTHON.findall((HOW_TO / page).read_text(encoding="utf-8"))
    assert blocks

    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
