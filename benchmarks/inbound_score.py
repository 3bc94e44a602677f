"""The classifier as the corpus' score.py calls it: `make score`."""

from __future__ import annotations

from datetime import UTC, date, datetime

from core.inbound import Findings, Kind, judge

NAMES = {
    Kind.REPLY: "human",
    Kind.OUT_OF_OFFICE: "ooo",
    Kind.AUTOMATIC: "auto_other",
    Kind.CALENDAR: "calendar",
    Kind.UNSUBSCRIBE: "unsubscribe",
    Kind.COMPLAINT: "complaint",
}


def classify(raw: bytes, received: datetime) -> tuple[str, date | None]:
    """Give the kind in the corpus' words and the first day back, None where none is certain."""
    aware = received if received.tzinfo else received.replace(tzinfo=UTC)
    findings = judge(raw, received=aware)
    return _name(findings), findings.back.on


def _name(findings: Findings) -> str:
    if findings.bounce is not None:
        return "bounce_hard" if findings.bounce.is_hard else "bounce_soft"
    return NAMES[findings.kind]
