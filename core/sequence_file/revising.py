"""A sequence with some settings changed: checked by the rules of the file, with the sentence for each that does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from core.errors import Refused
from core.sequence_file.spec import SequenceSpec

Place = tuple[str | int, ...]
UNREADABLE = "This cannot be read; docs/sequences.md says how it is written."


class Faulty(Refused):
    """Some settings do not hold; `faults` has a sentence by place, such as ("on", "reply", "until")."""

    def __init__(self, faults: Mapping[Place, str]) -> None:
        """Say all of them."""
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


def settings_of(spec: SequenceSpec) -> dict[str, Any]:
    """Give everything but the steps, as a file says it, each reaction in full."""
    data = spec.model_dump(mode="json", by_alias=True, exclude={"steps"}, exclude_none=True)
    reactions = {
        event: getattr(spec.on, event).model_dump(mode="json") for event in type(spec.on).model_fields
    }
    return data | {"on": reactions}


def revised(spec: SequenceSpec, changes: Mapping[str, Any]) -> SequenceSpec:
    """Give the sequence with these settings, None taking one out; raises Faulty."""
    data = spec.model_dump(mode="json", by_alias=True, exclude_none=True) | dict(changes)
    return built({key: value for key, value in data.items() if value is not None})


def built(data: Mapping[str, Any]) -> SequenceSpec:
    """Give the sequence that this data says, as a file's; raises Faulty."""
    try:
        return SequenceSpec.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
    raise Faulty(
        {
            fault["loc"]: str(fault["ctx"]["error"]) if "error" in fault.get("ctx", {}) else UNREADABLE
            for fault in found
        }
    )


def differences(before: SequenceSpec, after: SequenceSpec) -> list[str]:
    """Give what differs between two sequences beside their steps: "zone: UTC → Europe/Berlin"."""
    was, became = (flat(settings_of(spec)) for spec in (before, after))
    return [
        f"{key}: {was.get(key, 'none')} → {became.get(key, 'none')}"
        for key in dict.fromkeys([*was, *became])
        if was.get(key) != became.get(key)
    ]


def flat(data: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Give each setting by its name in words, as a person reads it."""
    found: dict[str, str] = {}
    for key, value in data.items():
        name = f"{above}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            found |= flat(value, f"{name} ")
        elif value is not None:
            found[name] = ", ".join(map(str, value)) if isinstance(value, list) else _word(value)
    return found


def _word(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
