"""The HostTokens port over the tables: hashes, never tokens."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, delete, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from argos_gitops.ports.host_tokens import HostToken
from argos_gitops.store.database import store_errors
from argos_gitops.store.tables import docker_tokens as tokens


class SqlHostTokens:
    """The tokens of one instance."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance
        self._mine = tokens.c.instance == instance

    def add(self, digest: str, token: HostToken) -> None:
        spent = delete(tokens).where(*self._of(token.host_id), tokens.c.expires_at <= token.created_at)
        row = {"instance": self._instance, "digest": digest}
        row |= {name: getattr(token, name) for name in ("host_id", "created_at", "created_by", "expires_at")}
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(spent)
            connection.execute(insert(tokens).values(row))

    def end(self, host_id: str, at: datetime) -> int:
        longer = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > at)
        ended = update(tokens).where(*self._of(host_id), longer).values(expires_at=at)
        with store_errors(self._engine), self._engine.begin() as connection:
            return connection.execute(ended).rowcount

    def forget(self, host_id: str) -> None:
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(delete(tokens).where(*self._of(host_id)))

    def host_of(self, digest: str, now: datetime) -> str | None:
        holds = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
        query = select(tokens.c.host_id).where(self._mine, tokens.c.digest == digest, holds)
        with store_errors(self._engine), self._engine.connect() as connection:
            host: str | None = connection.execute(query.limit(1)).scalar()
        return host

    def is_bound(self, host_id: str) -> bool:
        with store_errors(self._engine), self._engine.connect() as connection:
            return connection.execute(select(1).where(*self._of(host_id)).limit(1)).scalar() is not None

    def exist(self) -> bool:
        query = select(1).select_from(tokens).where(self._mine).limit(1)
        with store_errors(self._engine), self._engine.connect() as connection:
            return connection.execute(query).scalar() is not None

    def all(self) -> Sequence[HostToken]:
        columns = (tokens.c.host_id, tokens.c.created_at, tokens.c.created_by, tokens.c.expires_at)
        query = select(*columns).where(self._mine).order_by(tokens.c.host_id, tokens.c.created_at.desc())
        with store_errors(self._engine), self._engine.connect() as connection:
            return [HostToken(*row) for row in connection.execute(query)]

    def _of(self, host_id: str) -> tuple[ColumnElement[bool], ...]:
        return (self._mine, tokens.c.host_id == host_id)
