"""Sequences to own: versions of a mail, links and visits, goals, the guard of a mailbox, the API and its hooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.types

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one version forward."""
    op.create_table('api_call',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('request', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_api_call'))
    )
    with op.batch_alter_table('api_call', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_call_at'), ['at'], unique=False)

    op.create_table('api_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('used_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('hash', name=op.f('uq_api_token_hash'))
    )
    op.create_table('goal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('spec', sa.Text(), nullable=False),
    sa.Column('is_off', sa.Boolean(), nullable=False),
    sa.Column('changed_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('changed_by', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_goal')),
    sa.UniqueConstraint('key', name=op.f('uq_goal_key'))
    )
    op.create_table('hook',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('events', sa.JSON(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('off_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('off_because', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hook'))
    )
    op.create_table('trial',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('mailbox_id', sa.Integer(), nullable=False),
    sa.Column('lead_id', sa.Integer(), nullable=False),
    sa.Column('sequence', sa.String(), nullable=False),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('asked_by', sa.String(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('begun_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('sent_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('fault', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_trial_lead_id')),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailbox.id'], name=op.f('fk_trial_mailbox_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trial')),
    sa.UniqueConstraint('key', name=op.f('uq_trial_key'))
    )
    with op.batch_alter_table('trial', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_trial_begun_at'), ['begun_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_trial_lead_id'), ['lead_id'], unique=False)

    op.create_table('goal_met',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('goal_id', sa.Integer(), nullable=False),
    sa.Column('lead_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batch.id'], name=op.f('fk_goal_met_batch_id')),
    sa.ForeignKeyConstraint(['goal_id'], ['goal.id'], name=op.f('fk_goal_met_goal_id')),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_goal_met_lead_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_goal_met')),
    sa.UniqueConstraint('key', name=op.f('uq_goal_met_key'))
    )
    with op.batch_alter_table('goal_met', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_goal_met_goal_id'), ['goal_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_goal_met_lead_id'), ['lead_id'], unique=False)

    op.create_table('hook_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('hook_id', sa.Integer(), nullable=False),
    sa.Column('lead_id', sa.Integer(), nullable=True),
    sa.Column('event', sa.String(), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('created_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('retry_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('told_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('given_up_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.Column('fault', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['hook_id'], ['hook.id'], name=op.f('fk_hook_event_hook_id')),
    sa.ForeignKeyConstraint(['lead_id'], ['lead.id'], name=op.f('fk_hook_event_lead_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hook_event'))
    )
    with op.batch_alter_table('hook_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hook_event_lead_id'), ['lead_id'], unique=False)
        batch_op.create_index('untold', ['hook_id', 'lead_id', 'id'], unique=False, sqlite_where=sa.text('told_at IS NULL AND given_up_at IS NULL'), postgresql_where=sa.text('told_at IS NULL AND given_up_at IS NULL'))

    op.create_table('link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('made_at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_link_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link')),
    sa.UniqueConstraint('token', name=op.f('uq_link_token'))
    )
    with op.batch_alter_table('link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_link_delivery_id'), ['delivery_id'], unique=False)

    op.create_table('visit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('link_id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('at', core.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('agent', sa.Text(), nullable=False),
    sa.Column('suspect', sa.String(), nullable=False),
    sa.Column('settled_at', core.types.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_visit_delivery_id')),
    sa.ForeignKeyConstraint(['link_id'], ['link.id'], name=op.f('fk_visit_link_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit'))
    )
    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visit_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_visit_link_id'), ['link_id'], unique=False)
        batch_op.create_index('unsettled', ['at'], unique=False, sqlite_where=sa.text('settled_at IS NULL'), postgresql_where=sa.text('settled_at IS NULL'))

    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.add_column(sa.Column('drawn_hash', sa.String(), nullable=True))

    with op.batch_alter_table('digest', schema=None) as batch_op:
        batch_op.add_column(sa.Column('asked_by', sa.String(), nullable=True))

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.add_column(sa.Column('variant', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('snoozed_until', core.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_index('gone_wrong', ['state', 'id'], unique=False, sqlite_where=sa.text("state IN ('failed','uncertain','skipped')"), postgresql_where=sa.text("state IN ('failed','uncertain','skipped')"))
        batch_op.create_index('snoozed', ['snoozed_until'], unique=False, sqlite_where=sa.text('snoozed_until IS NOT NULL'), postgresql_where=sa.text('snoozed_until IS NOT NULL'))

    with op.batch_alter_table('enrollment', schema=None) as batch_op:
        batch_op.add_column(sa.Column('awaits_since', core.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_index('awaited', ['wake_at'], unique=False, sqlite_where=sa.text('awaits_since IS NOT NULL'), postgresql_where=sa.text('awaits_since IS NOT NULL'))

    with op.batch_alter_table('mailbox', schema=None) as batch_op:
        batch_op.add_column(sa.Column('guarded_at', core.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('guarded_because', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('released_at', core.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('released_by', sa.String(), nullable=True))

    with op.batch_alter_table('sequence', schema=None) as batch_op:
        batch_op.add_column(sa.Column('published_spec', sa.Text(), nullable=True))

    with op.batch_alter_table('step', schema=None) as batch_op:
        batch_op.add_column(sa.Column('variants', sa.JSON(), nullable=True))

    with op.batch_alter_table('workspace', schema=None) as batch_op:
        batch_op.add_column(sa.Column('lineage', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('has_links', sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column('beat', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('bounce_limit', sa.Float(), server_default='5', nullable=False))
        batch_op.add_column(sa.Column('complaint_limit', sa.Float(), server_default='0.1', nullable=False))
        batch_op.add_column(sa.Column('guard_sends', sa.Integer(), server_default='50', nullable=False))



def downgrade() -> None:
    """Bring the schema one version back."""
    with op.batch_alter_table('workspace', schema=None) as batch_op:
        batch_op.drop_column('guard_sends')
        batch_op.drop_column('complaint_limit')
        batch_op.drop_column('bounce_limit')
        batch_op.drop_column('beat')
        batch_op.drop_column('has_links')
        batch_op.drop_column('lineage')

    with op.batch_alter_table('step', schema=None) as batch_op:
        batch_op.drop_column('variants')

    with op.batch_alter_table('sequence', schema=None) as batch_op:
        batch_op.drop_column('published_spec')

    with op.batch_alter_table('mailbox', schema=None) as batch_op:
        batch_op.drop_column('released_by')
        batch_op.drop_column('released_at')
        batch_op.drop_column('guarded_because')
        batch_op.drop_column('guarded_at')

    with op.batch_alter_table('enrollment', schema=None) as batch_op:
        batch_op.drop_index('awaited', sqlite_where=sa.text('awaits_since IS NOT NULL'), postgresql_where=sa.text('awaits_since IS NOT NULL'))
        batch_op.drop_column('awaits_since')

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.drop_index('gone_wrong', sqlite_where=sa.text("state IN ('failed','uncertain','skipped')"), postgresql_where=sa.text("state IN ('failed','uncertain','skipped')"))
        batch_op.drop_index('snoozed', sqlite_where=sa.text('snoozed_until IS NOT NULL'), postgresql_where=sa.text('snoozed_until IS NOT NULL'))
        batch_op.drop_column('snoozed_until')
        batch_op.drop_column('variant')

    with op.batch_alter_table('digest', schema=None) as batch_op:
        batch_op.drop_column('asked_by')

    with op.batch_alter_table('card', schema=None) as batch_op:
        batch_op.drop_column('drawn_hash')

    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.drop_index('unsettled', sqlite_where=sa.text('settled_at IS NULL'), postgresql_where=sa.text('settled_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_visit_link_id'))
        batch_op.drop_index(batch_op.f('ix_visit_delivery_id'))

    op.drop_table('visit')
    with op.batch_alter_table('link', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_link_delivery_id'))

    op.drop_table('link')
    with op.batch_alter_table('hook_event', schema=None) as batch_op:
        batch_op.drop_index('untold', sqlite_where=sa.text('told_at IS NULL AND given_up_at IS NULL'), postgresql_where=sa.text('told_at IS NULL AND given_up_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_hook_event_lead_id'))

    op.drop_table('hook_event')
    with op.batch_alter_table('goal_met', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_goal_met_lead_id'))
        batch_op.drop_index(batch_op.f('ix_goal_met_goal_id'))

    op.drop_table('goal_met')
    with op.batch_alter_table('trial', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_trial_lead_id'))
        batch_op.drop_index(batch_op.f('ix_trial_begun_at'))

    op.drop_table('trial')
    op.drop_table('hook')
    op.drop_table('goal')
    op.drop_table('api_token')
    with op.batch_alter_table('api_call', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_call_at'))

    op.drop_table('api_call')
