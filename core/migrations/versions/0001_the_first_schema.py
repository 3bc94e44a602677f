"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.types

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one version forward."""

    op.create_table('batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('verb', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('undone_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('undone_by', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_batch'))
    )
    with op.batch_alter_table('batch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_batch_actor'), ['actor'], unique=False)

    op.create_table('lead',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('first_name', sa.String(), nullable=False),
    sa.Column('last_name', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('company', sa.String(), nullable=False),
    sa.Column('domain', sa.String(), nullable=False),
    sa.Column('zone', sa.String(), nullable=True),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('owner', sa.String(), nullable=True),
    sa.Column('custom', sa.JSON(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lead')),
    sa.UniqueConstraint('email', name=op.f('uq_lead_email'))
    )
    with op.batch_alter_table('lead', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lead_domain'), ['domain'], unique=False)
        batch_op.create_index(batch_op.f('ix_lead_owner'), ['owner'], unique=False)
        batch_op.create_index(batch_op.f('ix_lead_stage'), ['stage'], unique=False)

    op.create_table('mailbox',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('smtp_host', sa.String(), nullable=False),
    sa.Column('smtp_port', sa.Integer(), nullable=False),
    sa.Column('smtp_security', sa.String(), nullable=False),
    sa.Column('username', sa.String(), nullable=True),
    sa.Column('password_env', sa.String(), nullable=True),
    sa.Column('imap_host', sa.String(), nullable=True),
    sa.Column('imap_port', sa.Integer(), nullable=True),
    sa.Column('connections', sa.Integer(), nullable=False),
    sa.Column('cap_per_day', sa.Integer(), nullable=False),
    sa.Column('min_gap_seconds', sa.Float(), nullable=False),
    sa.Column('ramp_from', sa.Integer(), nullable=True),
    sa.Column('ramp_step', sa.Integer(), nullable=False),
    sa.Column('zone', sa.String(), nullable=False),
    sa.Column('first_day', sa.String(), nullable=True),
    sa.Column('last_handed_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('down_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('down_because', sa.String(), nullable=True),
    sa.Column('retry_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailbox')),
    sa.UniqueConstraint('address', name=op.f('uq_mailbox_address'))
    )
    op.create_table('member',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('zone', sa.String(), nullable=False),
    sa.Column('is_guest', sa.Boolean(), nullable=False),
    sa.Column('is_bot', sa.Boolean(), nullable=False),
    sa.Column('is_deleted', sa.Boolean(), nullable=False),
    sa.Column('seen_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member'))
    )
    op.create_table('proposal',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('command', sa.Text(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('enrollments', sa.JSON(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('used_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('used_by', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proposal'))
    )
    op.create_table('seen',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_seen'))
    )
    with op.batch_alter_table('seen', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seen_at'), ['at'], unique=False)

    op.create_table('sequence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('spec', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('changed_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('changed_by', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sequence')),
    sa.UniqueConstraint('key', name=op.f('uq_sequence_key'))
    )
    op.create_table('suppression',
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('email', name=op.f('pk_suppression'))
    )
    op.create_table('workspace',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('zone', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('halted_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('halted_by', sa.String(), nullable=True),
    sa.Column('halted_because', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workspace'))
    )
    op.create_table('enrollment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('lead_id', sa.Integer(), nullable=False),
    sa.Column('sequence_id', sa.Integer(), nullable=False),
    sa.Column('run', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('due_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('send_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('wake_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('remaining', core.types.Microseconds(), nullable=True),
    sa.Column('mailbox_id', sa.Integer(), nullable=True),
    sa.Column('has_started', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('enrolled_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_enrollment_lead_id')),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailbox.id'], name=op.f('fk_enrollment_mailbox_id')),
    sa.ForeignKeyConstraint(['sequence_id'], ['sequence.id'], name=op.f('fk_enrollment_sequence_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enrollment')),
    sa.UniqueConstraint('lead_id', 'sequence_id', 'run', name=op.f('uq_enrollment_lead_id_sequence_id_run'))
    )
    with op.batch_alter_table('enrollment', schema=None) as batch_op:
        batch_op.create_index('due', ['mailbox_id', 'wake_at'], unique=False, sqlite_where=sa.text("status = 'pending'"), postgresql_where=sa.text("status = 'pending'"))
        batch_op.create_index('of_sequence', ['sequence_id', 'status'], unique=False)
        batch_op.create_index('one_live_run', ['lead_id', 'sequence_id'], unique=True, sqlite_where=sa.text("status IN ('pending','in_progress','paused','skipped')"), postgresql_where=sa.text("status IN ('pending','in_progress','paused','skipped')"))

    op.create_table('lead_tag',
    sa.Column('lead_id', sa.Integer(), nullable=False),
    sa.Column('tag', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_lead_tag_lead_id')),
    sa.PrimaryKeyConstraint('lead_id', 'tag', name=op.f('pk_lead_tag'))
    )
    with op.batch_alter_table('lead_tag', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lead_tag_tag'), ['tag'], unique=False)

    op.create_table('mailbox_day',
    sa.Column('mailbox_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.String(), nullable=False),
    sa.Column('handed', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailbox.id'], name=op.f('fk_mailbox_day_mailbox_id')),
    sa.PrimaryKeyConstraint('mailbox_id', 'day', name=op.f('pk_mailbox_day'))
    )
    op.create_table('step',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sequence_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('is_threaded', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['sequence_id'], ['sequence.id'], name=op.f('fk_step_sequence_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_step')),
    sa.UniqueConstraint('sequence_id', 'key', name=op.f('uq_step_sequence_id_key'))
    )
    op.create_table('delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('step_id', sa.Integer(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('message_id', sa.String(), nullable=True),
    sa.Column('mailbox_id', sa.Integer(), nullable=True),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('lease_until', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('claimed_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('sending_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('settled_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('code', sa.Integer(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollment.id'], name=op.f('fk_delivery_enrollment_id')),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailbox.id'], name=op.f('fk_delivery_mailbox_id')),
    sa.ForeignKeyConstraint(['step_id'], ['step.id'], name=op.f('fk_delivery_step_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery')),
    sa.UniqueConstraint('enrollment_id', 'step_id', 'attempt', name=op.f('uq_delivery_enrollment_id_step_id_attempt')),
    sa.UniqueConstraint('message_id', name=op.f('uq_delivery_message_id'))
    )
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.create_index('under_way', ['state', 'lease_until'], unique=False, sqlite_where=sa.text("state IN ('claimed','sending')"), postgresql_where=sa.text("state IN ('claimed','sending')"))

    op.create_table('hold',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('placed_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('until', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.Column('released_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('released_by', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batch.id'], name=op.f('fk_hold_batch_id')),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollment.id'], name=op.f('fk_hold_enrollment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hold'))
    )
    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.create_index('ending_holds', ['until'], unique=False, sqlite_where=sa.text('released_at IS NULL'), postgresql_where=sa.text('released_at IS NULL'))
        batch_op.create_index(batch_op.f('ix_hold_batch_id'), ['batch_id'], unique=False)
        batch_op.create_index('open_holds', ['enrollment_id'], unique=False, sqlite_where=sa.text('released_at IS NULL'), postgresql_where=sa.text('released_at IS NULL'))

    op.create_table('card',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('ts', sa.String(), nullable=True),
    sa.Column('lead_id', sa.Integer(), nullable=True),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('wanted', sa.Integer(), nullable=False),
    sa.Column('drawn', sa.Integer(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('retry_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('fault', sa.String(), nullable=True),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_card_delivery_id')),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_card_lead_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card')),
    sa.UniqueConstraint('key', name=op.f('uq_card_key'))
    )
    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_card_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_card_lead_id'), ['lead_id'], unique=False)
        batch_op.create_index('to_draw', ['retry_at'], unique=False, sqlite_where=sa.text('wanted > drawn'), postgresql_where=sa.text('wanted > drawn'))

    op.create_table('journal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('verb', sa.String(), nullable=False),
    sa.Column('lead_id', sa.Integer(), nullable=True),
    sa.Column('sequence_id', sa.Integer(), nullable=True),
    sa.Column('enrollment_id', sa.Integer(), nullable=True),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.Column('was', sa.String(), nullable=True),
    sa.Column('became', sa.String(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batch.id'], name=op.f('fk_journal_batch_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_journal_delivery_id')),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollment.id'], name=op.f('fk_journal_enrollment_id')),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_journal_lead_id')),
    sa.ForeignKeyConstraint(['sequence_id'], ['sequence.id'], name=op.f('fk_journal_sequence_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_journal'))
    )
    with op.batch_alter_table('journal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_journal_batch_id'), ['batch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_journal_lead_id'), ['lead_id'], unique=False)




def downgrade() -> None:
    """Bring the schema one version back."""

    with op.batch_alter_table('journal', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_journal_lead_id'))
        batch_op.drop_index(batch_op.f('ix_journal_batch_id'))

    op.drop_table('journal')
    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.drop_index('to_draw', sqlite_where=sa.text('wanted > drawn'), postgresql_where=sa.text('wanted > drawn'))
        batch_op.drop_index(batch_op.f('ix_card_lead_id'))
        batch_op.drop_index(batch_op.f('ix_card_delivery_id'))

    op.drop_table('card')
    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.drop_index('open_holds', sqlite_where=sa.text('released_at IS NULL'), postgresql_where=sa.text('released_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_hold_batch_id'))
        batch_op.drop_index('ending_holds', sqlite_where=sa.text('released_at IS NULL'), postgresql_where=sa.text('released_at IS NULL'))

    op.drop_table('hold')
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.drop_index('under_way', sqlite_where=sa.text("state IN ('claimed','sending')"), postgresql_where=sa.text("state IN ('claimed','sending')"))

    op.drop_table('delivery')
    op.drop_table('step')
    op.drop_table('mailbox_day')
    with op.batch_alter_table('lead_tag', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lead_tag_tag'))

    op.drop_table('lead_tag')
    with op.batch_alter_table('enrollment', schema=None) as batch_op:
        batch_op.drop_index('one_live_run', sqlite_where=sa.text("status IN ('pending','in_progress','paused','skipped')"), postgresql_where=sa.text("status IN ('pending','in_progress','paused','skipped')"))
        batch_op.drop_index('of_sequence')
        batch_op.drop_index('due', sqlite_where=sa.text("status = 'pending'"), postgresql_where=sa.text("status = 'pending'"))

    op.drop_table('enrollment')
    op.drop_table('workspace')
    op.drop_table('suppression')
    op.drop_table('sequence')
    with op.batch_alter_table('seen', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seen_at'))

    op.drop_table('seen')
    op.drop_table('proposal')
    op.drop_table('member')
    op.drop_table('mailbox')
    with op.batch_alter_table('lead', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lead_stage'))
        batch_op.drop_index(batch_op.f('ix_lead_owner'))
        batch_op.drop_index(batch_op.f('ix_lead_domain'))

    op.drop_table('lead')
    with op.batch_alter_table('batch', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_batch_actor'))

    op.drop_table('batch')

