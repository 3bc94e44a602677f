"""The team: answers from a card, reminders, absences, collisions, weekly reports, and where a card fell back to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.types

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one version forward."""
    op.create_table('absence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('cover', sa.String(), nullable=True),
    sa.Column('until', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('ended_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batch.id'], name=op.f('fk_absence_batch_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_absence'))
    )
    with op.batch_alter_table('absence', schema=None) as batch_op:
        batch_op.create_index('one_absence', ['person'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('collision',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('asker', sa.String(), nullable=False),
    sa.Column('colleague', sa.String(), nullable=False),
    sa.Column('sequence_id', sa.Integer(), nullable=False),
    sa.Column('lead_ids', sa.JSON(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('settled_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('settled_by', sa.String(), nullable=True),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batch.id'], name=op.f('fk_collision_batch_id')),
    sa.ForeignKeyConstraint(['sequence_id'], ['sequence.id'], name=op.f('fk_collision_sequence_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_collision'))
    )
    with op.batch_alter_table('collision', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_collision_colleague'), ['colleague'], unique=False)
        batch_op.create_index('open_collisions', ['expires_at'], unique=False, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('reminder',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('lead_id', sa.Integer(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('fired_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('done_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('done_by', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_reminder_lead_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder'))
    )
    with op.batch_alter_table('reminder', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reminder_lead_id'), ['lead_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reminder_person'), ['person'], unique=False)
        batch_op.create_index('waiting_reminders', ['at'], unique=False, sqlite_where=sa.text('fired_at IS NULL AND cancelled_at IS NULL'), postgresql_where=sa.text('fired_at IS NULL AND cancelled_at IS NULL'))

    op.create_table('reply',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollment.id'], name=op.f('fk_reply_enrollment_id')),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_reply_message_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reply')),
    sa.UniqueConstraint('key', name=op.f('uq_reply_key'))
    )
    with op.batch_alter_table('reply', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reply_enrollment_id'), ['enrollment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reply_message_id'), ['message_id'], unique=False)

    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.add_column(sa.Column('meant_for', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('file_id', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('drawn_at', core.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_index('posted', ['channel', 'ts'], unique=False)
        batch_op.create_index('drawn_lately', ['drawn_at'], unique=False)

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reply_id', sa.Integer(), nullable=True))
        batch_op.alter_column('step_id',
               existing_type=sa.INTEGER(),
               nullable=True)
        batch_op.create_unique_constraint(batch_op.f('uq_delivery_reply_id'), ['reply_id'])
        batch_op.create_index('ready_replies', ['mailbox_id'], unique=False, sqlite_where=sa.text("kind = 'reply' AND state = 'ready'"), postgresql_where=sa.text("kind = 'reply' AND state = 'ready'"))

    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.add_column(sa.Column('policy', sa.String(), nullable=True))

    with op.batch_alter_table('digest', schema=None) as batch_op:
        batch_op.add_column(sa.Column('weekly_at', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('week', sa.String(), nullable=True))



def downgrade() -> None:
    """Bring the schema one version back."""
    with op.batch_alter_table('digest', schema=None) as batch_op:
        batch_op.drop_column('week')
        batch_op.drop_column('weekly_at')

    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.drop_column('policy')

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.drop_index('ready_replies', sqlite_where=sa.text("kind = 'reply' AND state = 'ready'"), postgresql_where=sa.text("kind = 'reply' AND state = 'ready'"))
        batch_op.drop_constraint(batch_op.f('uq_delivery_reply_id'), type_='unique')
        batch_op.alter_column('step_id',
               existing_type=sa.INTEGER(),
               nullable=False)
        batch_op.drop_column('reply_id')

    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.drop_index('drawn_lately')
        batch_op.drop_index('posted')
        batch_op.drop_column('drawn_at')
        batch_op.drop_column('file_id')
        batch_op.drop_column('meant_for')

    with op.batch_alter_table('reply', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reply_message_id'))
        batch_op.drop_index(batch_op.f('ix_reply_enrollment_id'))

    op.drop_table('reply')
    with op.batch_alter_table('reminder', schema=None) as batch_op:
        batch_op.drop_index('waiting_reminders', sqlite_where=sa.text('fired_at IS NULL AND cancelled_at IS NULL'), postgresql_where=sa.text('fired_at IS NULL AND cancelled_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_reminder_person'))
        batch_op.drop_index(batch_op.f('ix_reminder_lead_id'))

    op.drop_table('reminder')
    with op.batch_alter_table('collision', schema=None) as batch_op:
        batch_op.drop_index('open_collisions', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.drop_index(batch_op.f('ix_collision_colleague'))

    op.drop_table('collision')
    with op.batch_alter_table('absence', schema=None) as batch_op:
        batch_op.drop_index('one_absence', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.drop_table('absence')
