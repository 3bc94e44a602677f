"""What merge tags may name, and the texts of a step with them filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from core.errors import Refused
from core.lifecycle import StepKind
from core.mime import Sender
from core.models import Lead, Step
from core.template import Template, compile_step, render

# The sender is not known before the claim; a subject that names it is shown as it was written.
ANYBODY = Sender("", "")
OWN_LINK = "https://…"  # stands for a lead's own link where nobody is to follow it
_TAG = re.compile(r"\{\{\s*(?P<name>[\w.]+).*?\}\}|\{%.*?%\}")
_CUSTOM = re.compile(r"lead\.custom\.(\w+)")


def subject_of(step: Step, lead: Lead, sender: Sender, sequence: str, first_subject: str = "") -> str:
    """Give the subject a step would bear for a lead, as far as it can be told: "[first_name], a question" where not."""
    if not step.subject:
        return f"Re: {first_subject or '…'}"
    try:
        return render(compiled(step.subject, "-"), values_of(lead, sender, sequence, None)).subject
    except Refused:
        return _TAG.sub(lambda tag: f"[{tag['name']}]" if tag["name"] else "", step.subject)


def first_subject(steps: Iterable[Step], lead: Lead, sequence: str) -> str:
    """Give the subject of the conversation that these steps are, "" where none of them begins one."""
    first = next((step for step in steps if step.kind == StepKind.EMAIL and step.subject), None)
    return subject_of(first, lead, ANYBODY, sequence) if first else ""


def body_of(step: Step, lead: Lead, sender: Sender, sequence: str) -> str:
    """Give the text of an email as a lead with these fields gets it; "" where it cannot be written for them."""
    try:
        values = values_of(lead, sender, sequence, OWN_LINK)
        return render(compiled(step.subject or "-", step.body), values).text
    except Refused:
        return ""


def values_of(lead: Lead, sender: Sender, sequence: str, unsubscribe_url: str | None) -> dict[str, Any]:
    """Give what merge tags may name."""
    fields = {
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "name": lead.name,
        "email": lead.email,
        "company": lead.company,
        "domain": lead.domain,
        "stage": lead.stage,
    }
    return {
        **fields,
        "lead": {**fields, "custom": lead.custom},
        "sender": {"name": sender.name, "address": sender.address},
        "sequence": {"name": sequence},
        "unsubscribe_url": unsubscribe_url,
    }


@lru_cache(maxsize=512)
def compiled(subject: str, body: str, *, is_tracked: bool = False) -> Template:
    """Give a step's compiled template.

    Custom fields were checked when the sequence was published; a lead without one is held for the missing value.
    """
    fields = frozenset(_CUSTOM.findall(subject + body))
    return compile_step(subject, body, fields=fields, is_tracked=is_tracked)
