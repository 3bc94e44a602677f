"""A journal that stands alone: its lines, and holds, are no longer checked row by row against what they name."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAMED = {"journal": ("lead", "sequence", "enrollment", "delivery", "batch"), "hold": ("enrollment", "batch")}


def upgrade() -> None:
    """Bring the schema one version forward."""
    for table, named in NAMED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for one in named:
                batch_op.drop_constraint(batch_op.f(f"fk_{table}_{one}_id"), type_="foreignkey")


def downgrade() -> None:
    """Bring the schema one version back."""
    for table, named in NAMED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for one in named:
                batch_op.create_foreign_key(batch_op.f(f"fk_{table}_{one}_id"), one, [f"{one}_id"], ["id"])
