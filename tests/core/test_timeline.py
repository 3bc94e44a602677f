"""The words of the journal."""

import re
from pathlib import Path

from core.models import Journal
from core.views.timeline import act_words
from tests.services import ROOT

NOTED = re.compile(r'\bnote\(\s*session,\s*"([^"]+)"')


def test_every_verb_that_is_noted_has_its_words():
    sources = (
        path
        for folder in ("core", "bot", "web", "jobs", "fermata")
        for path in Path(ROOT / folder).rglob("*.py")
    )
    verbs = {verb for source in sources for verb in NOTED.findall(source.read_text())}
    assert len(verbs) > 20
    assert {verb for verb in verbs if act_words(Journal(verb=verb), "Ana") == f"Ana {verb}"} == set()
