"""What the agent keeps: state by target, the audit log, controls, and what replicas share."""

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
    op.add_column("passes", sa.Column("target", sa.String(300), nullable=False, server_default=""))
    op.add_column("agent_state", sa.Column("result", sa.String(40)))
    op.add_column("agent_state", sa.Column("message", sa.Text))
    op.add_column("agent_state", sa.Column("synced", sa.Integer))
    _notifications()
    _audit()
    _controls()
    _replicas()


def _conditions_by_target() -> None:
    """Conditions of before belong to no target; the first pass over any of them puts that right.

    Copied twice rather than renamed: PostgreSQL would keep the index of the renamed table's key.
    """
    op.execute("CREATE TABLE conditions_of_0001 AS SELECT * FROM conditions")
    op.drop_table("conditions")
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


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("instance", sa.String(200), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("audit_by_time", "audit", ["instance", "at"])


def _controls() -> None:
    op.create_table(
        "controls",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", _MOMENT),
    )
    op.create_table(
        "counters",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )


def _replicas() -> None:
    op.create_table(
        "replicas",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "shares",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("replica", sa.String(200), primary_key=True),
        sa.Column("targets", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("target", sa.String(300), primary_key=True),
        sa.Column("holder", sa.String(200), nullable=False),
    )
    op.create_table(
        "locks",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
    )


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("instance", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(300), nullable=False),
        sa.Column("key", sa.String(600), nullable=False),
        sa.Column("mark", sa.String(200), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("throttled", sa.Boolean, nullable=False),
        sa.Column("bundle", sa.String(32)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_attempt_at", _MOMENT),
        sa.Column("attempted_at", _MOMENT),
        sa.Column("claim", sa.String(32)),
        sa.Column("claimed_until", _MOMENT),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("notifications_by_state", "notifications", ["instance", "state", "channel"])
    op.create_index("notifications_by_key", "notifications", ["instance", "channel", "key"])
    op.create_table(
        "alarms",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(600), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
    )
