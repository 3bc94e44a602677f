"""The versions of an email that is tried in several: each lead gets one of them, and keeps it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

from sqlmodel import Session, col, select

from core.models import Delivery, Step

Key = tuple[int, int | None]  # enrollment, step


def chosen(step: Step, enrollment_id: int) -> str | None:
    """Give the name of the version for an enrollment: always the same one, each as often as its weight; None: there are none."""
    if not step.variants:
        return None
    digest = sha256(f"{enrollment_id} {step.key}".encode()).digest()
    number = int.from_bytes(digest[:8]) % sum(version["weight"] for version in step.variants)
    for version in step.variants:
        number -= version["weight"]
        if number < 0:
            return str(version["name"])
    raise AssertionError


def choices(session: Session, rows: Collection[tuple[int, Step]]) -> dict[Key, str]:
    """Give the version for each enrollment and step that has any; what it had before stays, while there is one of that name."""
    varied = [(enrollment_id, step) for enrollment_id, step in rows if step.variants]
    if not varied:
        return {}
    had = _had(session, [enrollment_id for enrollment_id, _ in varied])
    found = {}
    for enrollment_id, step in varied:
        before = had.get((enrollment_id, step.id))
        is_there = any(version["name"] == before for version in step.variants or ())
        name = before if is_there else chosen(step, enrollment_id)
        assert name is not None
        found[enrollment_id, step.id] = name
    return found


def _had(session: Session, enrollment_ids: Collection[int]) -> Mapping[Key, str]:
    query = select(Delivery.enrollment_id, Delivery.step_id, Delivery.variant).where(
        col(Delivery.enrollment_id).in_(enrollment_ids), col(Delivery.variant).is_not(None)
    )
    return {(enrollment_id, step_id): name or "" for enrollment_id, step_id, name in session.exec(query)}


def version(step: Step, name: str | None) -> Step:
    """Give the step as this version of it has its subject and body; None: as it is."""
    found = next((one for one in step.variants or () if one["name"] == name), None)
    if found is None:
        return step
    values = step.model_dump(exclude={"subject", "body"})
    return Step(**values, subject=found["subject"], body=found["body"])
