"""What the agent keeps: conditions and revisions by target."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _conditions_by_target()
    op.create_table(
        "targets",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("target", sa.String(300), primary_key=True),
        sa.Column("attempted", sa.String(64)),
        sa.Column("applied", sa.String(64)),
        sa.Column("applied_at", _MOMENT),
        sa.Column("healthy", sa.String(64)),
        sa.Column("reported", sa.String(64)),
        sa.Column("held", sa.String(64)),
        sa.Column("result", sa.String(40), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("at", _MOMENT),
        sa.Column("synced", sa.Integer, nullable=False),
    )
    op.add_column("agent_state", sa.Column("result", sa.String(40)))
    op.add_column("agent_state", sa.Column("message", sa.Text))
    op.add_column("agent_state", sa.Column("synced", sa.Integer))


def _conditions_by_target() -> None:
    """Conditions of before belong to no target; the first pass over any of them puts that right."""
    op.rename_table("conditions", "conditions_of_0001")
    op.create_table(
        "conditions",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("target", sa.String(300), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("type", sa.String(60), primary_key=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("since", _MOMENT),
    )
    columns = "instance, subject, type, status, reason, message, since"
    op.execute(f"INSERT INTO conditions (target, {columns}) SELECT '', {columns} FROM conditions_of_0001")  # noqa: S608
    op.drop_table("conditions_of_0001")
