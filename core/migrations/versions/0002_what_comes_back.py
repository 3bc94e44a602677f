"""What comes back: folders, messages, meetings, and what cards and holds need for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.types

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one version forward."""
    op.create_table('folder',
    sa.Column('mailbox_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('uidvalidity', sa.BigInteger(), nullable=False),
    sa.Column('last_uid', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailbox.id'], name=op.f('fk_folder_mailbox_id')),
    sa.PrimaryKeyConstraint('mailbox_id', 'name', name=op.f('pk_folder'))
    )
    op.create_table('meeting',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('lead_id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=True),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('changed_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('starts_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ends_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('asked_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('settled_by', sa.String(), nullable=True),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batch.id'], name=op.f('fk_meeting_batch_id')),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollment.id'], name=op.f('fk_meeting_enrollment_id')),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_meeting_lead_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meeting')),
    sa.UniqueConstraint('key', name=op.f('uq_meeting_key'))
    )
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_meeting_ends_at'), ['ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_meeting_lead_id'), ['lead_id'], unique=False)

    op.create_table('message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('message_id', sa.String(), nullable=True),
    sa.Column('mailbox_id', sa.Integer(), nullable=True),
    sa.Column('lead_id', sa.Integer(), nullable=False),
    sa.Column('enrollment_id', sa.Integer(), nullable=True),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('came_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('matched_by', sa.String(), nullable=False),
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('sender_name', sa.String(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('judged_kind', sa.String(), nullable=False),
    sa.Column('findings', sa.JSON(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.Column('corrected_by', sa.String(), nullable=True),
    sa.Column('corrected_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batch.id'], name=op.f('fk_message_batch_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_message_delivery_id')),
    sa.ForeignKeyConstraint(['enrollment_id'], ['enrollment.id'], name=op.f('fk_message_enrollment_id')),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_message_lead_id')),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailbox.id'], name=op.f('fk_message_mailbox_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message')),
    sa.UniqueConstraint('key', name=op.f('uq_message_key'))
    )
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.create_index('conversation', ['lead_id', 'enrollment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_message_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_message_message_id'), ['message_id'], unique=False)

    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.add_column(sa.Column('about_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('parent_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_card_parent_id'), 'card', ['parent_id'], ['id'])

    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.add_column(sa.Column('announce_at', core.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_index('announced_holds', ['announce_at'], unique=False, sqlite_where=sa.text('announce_at IS NOT NULL'), postgresql_where=sa.text('announce_at IS NOT NULL'))

    with op.batch_alter_table('workspace', schema=None) as batch_op:
        batch_op.add_column(sa.Column('read_within_seconds', sa.Integer(), nullable=False, server_default='600'))

    with op.batch_alter_table('mailbox', schema=None) as batch_op:
        batch_op.add_column(sa.Column('auth', sa.String(), nullable=False, server_default='password'))
        batch_op.add_column(sa.Column('imap_security', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('read_at', core.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('unread_because', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('reader', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('reader_until', core.types.UtcDateTime(timezone=True), nullable=True))



def downgrade() -> None:
    """Bring the schema one version back."""
    with op.batch_alter_table('workspace', schema=None) as batch_op:
        batch_op.drop_column('read_within_seconds')

    with op.batch_alter_table('mailbox', schema=None) as batch_op:
        batch_op.drop_column('reader_until')
        batch_op.drop_column('reader')
        batch_op.drop_column('unread_because')
        batch_op.drop_column('read_at')
        batch_op.drop_column('imap_security')
        batch_op.drop_column('auth')

    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.drop_index('announced_holds', sqlite_where=sa.text('announce_at IS NOT NULL'), postgresql_where=sa.text('announce_at IS NOT NULL'))
        batch_op.drop_column('announce_at')

    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_card_parent_id'), type_='foreignkey')
        batch_op.drop_column('parent_id')
        batch_op.drop_column('about_id')

    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_message_message_id'))
        batch_op.drop_index(batch_op.f('ix_message_delivery_id'))
        batch_op.drop_index('conversation')

    op.drop_table('message')
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_meeting_lead_id'))
        batch_op.drop_index(batch_op.f('ix_meeting_ends_at'))

    op.drop_table('meeting')
    op.drop_table('folder')
