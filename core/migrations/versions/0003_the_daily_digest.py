"""The daily digest: who gets it when, and an index for what was paused at a moment gone by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one version forward."""
    op.create_table('digest',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('is_channel', sa.Boolean(), nullable=False),
    sa.Column('at', sa.String(), nullable=True),
    sa.Column('is_off', sa.Boolean(), nullable=False),
    sa.Column('day', sa.String(), nullable=True),
    sa.Column('card_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['card_id'], ['card.id'], name=op.f('fk_digest_card_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digest')),
    sa.UniqueConstraint('place', name=op.f('uq_digest_place'))
    )
    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.create_index('released_holds', ['released_at'], unique=False, sqlite_where=sa.text('released_at IS NOT NULL'), postgresql_where=sa.text('released_at IS NOT NULL'))


def downgrade() -> None:
    """Bring the schema one version back."""
    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.drop_index('released_holds', sqlite_where=sa.text('released_at IS NOT NULL'), postgresql_where=sa.text('released_at IS NOT NULL'))

    op.drop_table('digest')
