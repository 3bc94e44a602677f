"""The Slack app's manifest, as it stands beside the code: in an installed package or in a clone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def read() -> dict[str, Any]:
    """Give manifest.yml."""
    here = Path(__file__).parent
    places = (here / "manifest.yml", here.parent / "manifest.yml")
    manifest: dict[str, Any] = yaml.safe_load(
        next(path for path in places if path.exists()).read_text("utf-8")
    )
    return manifest
