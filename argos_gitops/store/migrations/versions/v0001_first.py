"""The first schema: inventory, convergence, systems, conditions, agent state, passes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inventory",
        *_system_key(),
        sa.Column("object_id", sa.String(300), primary_key=True),
        sa.Column("owner", sa.String(300), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("applied_at", _MOMENT, nullable=False),
    )
    op.create_table("generations", *_system_key(), sa.Column("number", sa.Integer, nullable=False))
    op.create_table(
        "converged",
        *_system_key(),
        sa.Column("desired", sa.Text, nullable=False),
        sa.Column("live", sa.Text, nullable=False),
        sa.Column("until", _MOMENT),
    )
    op.create_table(
        "systems",
        *_system_key(),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "conditions",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("type", sa.String(60), primary_key=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("since", _MOMENT),
    )
    op.create_table(
        "agent_state",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("attempted", sa.String(64)),
        sa.Column("applied", sa.String(64)),
        sa.Column("applied_at", _MOMENT),
        sa.Column("healthy", sa.String(64)),
        sa.Column("reported", sa.String(64)),
    )
    op.create_table(
        "passes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("instance", sa.String(200), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("result", sa.String(40), nullable=False),
        sa.Column("plan_digest", sa.String(64), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
    )
    op.create_index("passes_by_instance", "passes", ["instance", "id"])


def _system_key() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("target", sa.String(300), primary_key=True),
        sa.Column("provider", sa.String(60), primary_key=True),
    )
