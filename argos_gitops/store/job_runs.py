"""The JobRuns port over the tables: one row a job, its last run."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Engine, delete, or_, select, update

from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.job import JobRun
from argos_gitops.store.database import store_errors
from argos_gitops.store.statements import inserting
from argos_gitops.store.tables import job_runs

_FIELDS = ("timing", "due", "started_at", "ended_at", "ok", "reason", "message")


class SqlJobRuns:
    """The jobs of one instance. Whoever of several replicas writes a `due` first has claimed it."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    def all(self) -> Sequence[JobRun]:
        query = select(job_runs).where(job_runs.c.instance == self._instance).order_by(job_runs.c.job)
        with store_errors(self._engine), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            JobRun(
                job=row.job,
                schedule=ResourceKey.parse(row.schedule),
                details=tuple(orjson.loads(row.details)),
                **{name: getattr(row, name) for name in _FIELDS},
            )
            for row in rows
        ]

    def expect(self, run: JobRun) -> None:
        """Keeps a job that is not known yet, or not with this timing, as if it had run when it was due."""
        self._put(run, job_runs.c.timing != run.timing)

    def claim(self, run: JobRun) -> bool:
        """Whether the run is ours to do: nobody else did or does it, for this `due` or a later one."""
        return self._put(run, or_(job_runs.c.due < run.due, job_runs.c.timing != run.timing))

    def conclude(self, run: JobRun) -> None:
        """Keeps how a run ended that was claimed, unless a later one was claimed meanwhile."""
        ours = (job_runs.c.instance == self._instance, job_runs.c.job == run.job, job_runs.c.due == run.due)
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(update(job_runs).where(*ours).values(**_values(run)))

    def keep(self, jobs: Sequence[str]) -> None:
        """Forgets all others."""
        ours = job_runs.c.instance == self._instance
        with store_errors(self._engine), self._engine.begin() as connection:
            connection.execute(delete(job_runs).where(ours, job_runs.c.job.not_in(list(jobs))))

    def _put(self, run: JobRun, condition: Any) -> bool:
        """Writes a new row, or over one that `condition` holds for; whether anything was written."""
        key = {"instance": self._instance, "job": run.job}
        values = _values(run)
        with store_errors(self._engine), self._engine.begin() as connection:
            statement = inserting(connection, job_runs).values(**key, **values)
            written = statement.on_conflict_do_update(
                index_elements=list(key), set_=values, where=condition
            ).returning(job_runs.c.job)
            return connection.execute(written).first() is not None


def _values(run: JobRun) -> dict[str, Any]:
    fields = {name: getattr(run, name) for name in _FIELDS}
    return {**fields, "schedule": str(run.schedule), "details": orjson.dumps(list(run.details))}
