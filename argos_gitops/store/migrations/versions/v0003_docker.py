"""Docker hosts: reports of their agents, the tokens of those, and how each resource last was healthy."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _reports()
    _history()
    _tokens()
    _resources()
    _job_runs()


def _reports() -> None:
    op.create_table(
        "docker_hosts",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("host_id", sa.String(128), primary_key=True),
        sa.Column("hostname", sa.String(300), nullable=False),
        sa.Column("agent_version", sa.String(100), nullable=False),
        sa.Column("reported_at", _MOMENT, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("digest", sa.String(200), nullable=False),
        sa.Column("content", sa.String(32), nullable=False),
        sa.Column("containers", sa.Integer, nullable=False),
    )
    op.create_table(
        "docker_reports",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("host_id", sa.String(128), primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )


def _history() -> None:
    op.create_table(
        "docker_history",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("instance", sa.String(200), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("host_id", sa.String(128), nullable=False),
        sa.Column("container", sa.String(300), nullable=False),
        sa.Column("container_id", sa.String(128), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
    )
    op.create_index("docker_history_by_host", "docker_history", ["instance", "host_id", "id"])
    op.create_index("docker_history_by_time", "docker_history", ["instance", "at"])


def _tokens() -> None:
    op.create_table(
        "docker_tokens",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("host_id", sa.String(128), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", _MOMENT),
    )


def _resources() -> None:
    op.create_table(
        "resources",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("target", sa.String(300), primary_key=True),
        sa.Column("resource", sa.String(300), primary_key=True),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("held", sa.String(32), nullable=False),
        sa.Column("failed", sa.String(64), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )


def _job_runs() -> None:
    op.create_table(
        "job_runs",
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("job", sa.String(600), primary_key=True),
        sa.Column("schedule", sa.String(300), nullable=False),
        sa.Column("timing", sa.String(200), nullable=False),
        sa.Column("due", _MOMENT, nullable=False),
        sa.Column("started_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ok", sa.Boolean),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
    )
