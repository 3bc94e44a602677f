"""docs/features.md names stories that are there."""

import re

from tests.services import ROOT

PAGE = (ROOT / "docs/features.md").read_text("utf-8")


def test_every_story_that_is_named_is_there():
    texts = [path.read_text("utf-8") for path in (ROOT / "tests/stories").glob("test_*.py")]
    told = set(re.findall(r"^def (test_\w+)", "\n".join(texts), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= told
