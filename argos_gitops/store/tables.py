"""The tables. Every row but the keys belongs to one instance, so that several agents can share a database."""

from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """An aware moment in UTC, whatever the zone of a session; SQLite forgets it, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

# Secret, and of nobody's instance: what the agents of one store show can be compared with each other.
keys = Table(
    "keys",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("key", LargeBinary, nullable=False),
)

inventory = Table(
    "inventory",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("provider", String(60), primary_key=True),
    Column("object_id", String(300), primary_key=True),
    Column("owner", String(300), nullable=False),
    Column("digest", String(32), nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("revision", String(64), nullable=False),
    Column("applied_at", Moment, nullable=False),
)

generations = Table(
    "generations",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("provider", String(60), primary_key=True),
    Column("number", Integer, nullable=False),
)

converged = Table(
    "converged",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("provider", String(60), primary_key=True),
    Column("desired", Text, nullable=False),
    Column("live", Text, nullable=False),
    Column("until", Moment),
)

systems = Table(
    "systems",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("provider", String(60), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

conditions = Table(
    "conditions",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("subject", String(300), primary_key=True),
    Column("type", String(60), primary_key=True),
    Column("status", String(10), nullable=False),
    Column("reason", String(120), nullable=False),
    Column("message", Text, nullable=False),
    Column("since", Moment),
)

agent_state = Table(
    "agent_state",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("attempted", String(64)),
    Column("applied", String(64)),
    Column("applied_at", Moment),
    Column("healthy", String(64)),
    Column("reported", String(64)),
    Column("result", String(40)),
    Column("message", Text),
    Column("synced", Integer),
)

targets = Table(
    "targets",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("attempted", String(64)),
    Column("applied", String(64)),
    Column("applied_at", Moment),
    Column("healthy", String(64)),
    Column("reported", String(64)),
    Column("held", String(64)),
    Column("result", String(40), nullable=False),
    Column("message", Text, nullable=False),
    Column("at", Moment),
    Column("synced", Integer, nullable=False),
)

passes = Table(
    "passes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("instance", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    Column("revision", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("result", String(40), nullable=False),
    Column("plan_digest", String(64), nullable=False),
    Column("summary", Text, nullable=False),
    Column("target", String(300), nullable=False, server_default=""),
    Index("passes_by_instance", "instance", "id"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("instance", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(60), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("cause", Text, nullable=False),
    Column("revision", String(64), nullable=False),
    Column("target", String(300), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("object_id", Text, nullable=False),
    Column("message", Text, nullable=False),
    Index("audit_by_time", "instance", "at"),
)

controls = Table(
    "controls",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("subject", String(300), primary_key=True),
    Column("by", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Moment),
)

counters = Table(
    "counters",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("number", Integer, nullable=False),
)

replicas = Table(
    "replicas",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

shares = Table(
    "shares",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("replica", String(200), primary_key=True),
    Column("targets", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("holder", String(200), nullable=False),
)

locks = Table(
    "locks",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("name", String(300), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("instance", String(200), nullable=False),
    Column("channel", String(300), nullable=False),
    Column("key", String(600), nullable=False),
    Column("mark", String(200), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("throttled", Boolean, nullable=False),
    Column("bundle", String(32)),
    Column("attempts", Integer, nullable=False),
    Column("first_attempt_at", Moment),
    Column("attempted_at", Moment),
    Column("claim", String(32)),
    Column("claimed_until", Moment),
    Column("error", Text, nullable=False),
    Index("notifications_by_state", "instance", "state", "channel"),
    Index("notifications_by_key", "instance", "channel", "key"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("key", String(600), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("subject", String(400), nullable=False),
    Column("fingerprint", String(64), nullable=False),
)

reporters = Table(
    "reporters",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("reporter", String(60), primary_key=True),
    Column("reason", String(120), nullable=False),
    Column("message", Text, nullable=False),
    Column("since", Moment, nullable=False),
)

resources = Table(
    "resources",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("resource", String(300), primary_key=True),
    Column("digest", String(32), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("revision", String(64), nullable=False),
    Column("held", String(32), nullable=False),
    Column("failed", String(64), nullable=False),
    Column("why", Text, nullable=False),
)

# Apart from the report itself, so that the heartbeat of an unchanged host writes a few bytes only.
docker_hosts = Table(
    "docker_hosts",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("host_id", String(128), primary_key=True),
    Column("hostname", String(300), nullable=False),
    Column("agent_version", String(100), nullable=False),
    Column("reported_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("digest", String(200), nullable=False),
    Column("content", String(32), nullable=False),
    Column("containers", Integer, nullable=False),
)

docker_reports = Table(
    "docker_reports",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("host_id", String(128), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

docker_history = Table(
    "docker_history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("instance", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    Column("host_id", String(128), nullable=False),
    Column("container", String(300), nullable=False),
    Column("container_id", String(128), nullable=False),
    Column("what", String(20), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Index("docker_history_by_host", "instance", "host_id", "id"),
    Index("docker_history_by_time", "instance", "at"),
)

docker_tokens = Table(
    "docker_tokens",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("host_id", String(128), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Moment),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("instance", String(200), primary_key=True),
    Column("job", String(600), primary_key=True),
    Column("schedule", String(300), nullable=False),
    Column("timing", String(200), nullable=False),
    Column("due", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("ok", Boolean),
    Column("reason", String(100), nullable=False),
    Column("message", Text, nullable=False),
    Column("details", LargeBinary, nullable=False),
)
