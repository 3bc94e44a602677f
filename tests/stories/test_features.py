"""docs/features.md names stories that are there."""

import re

from tests.services import ROOT

PAGE = (ROOT / "docs/features.md").read_text("utf-8")
ARTICLES = (
    "test_design_examples",
    "test_start_and_stop",
    "test_pause_a_campaign",
    "test_pause_and_resume_a_lead",
    "test_publishing",
    "test_contact_in_sequence",
)


def test_every_story_that_is_named_is_there():
    texts = [(ROOT / f"tests/stories/{name}.py").read_text("utf-8") for name in ARTICLES]
    told = set(re.findall(r"^def (test_\w+)", "\n".join(texts), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= told
