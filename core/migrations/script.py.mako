"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.types

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one version forward."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Bring the schema one version back."""
    ${downgrades if downgrades else "pass"}
