"""Writes changes to LAPI: first everything that is new, then the removal of what it replaces.

    post      rows of all changes together, in alerts of up to `chunkSize` decisions, one after the other:
              few big alerts are beyond the reach of LAPI's flush (`max_items` counts alerts), and two
              writers at once make SQLite answer "database is locked"
    confirm   each alert is read back while the next one is on its way
    remove    by origin, stamp and value, never by what may match a row that was just added

Only the difference is sent. Rows that are due for renewal count as missing; what they replace ends by
itself, so no bouncer sees a removal. Killed at any step, the next look finds what stands and goes on.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from argos_gitops.model.change import Change, Outcome, Result
from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.ports.progress import Progress
from argos_gitops.providers.crowdsec.answers import BUSY
from argos_gitops.providers.crowdsec.client import LapiClient
from argos_gitops.providers.crowdsec.marks import Stamp, origin_of
from argos_gitops.providers.crowdsec.observe import (
    ENDS_WITHIN_SECONDS,
    CrowdSecLive,
    filter_of,
    stamp_of,
)
from argos_gitops.providers.crowdsec.rows import Batch, alert_of, chunks_of, count_of, end_of, missing_from
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings
from argos_gitops.providers.crowdsec.turn import Turn

_REMOVERS = 4
_TRIES = 8
_PAUSE_SECONDS = 0.25
# A row is renewed a little early together with others, so that one write does for many.
_TOGETHER = 1.5


@dataclass(frozen=True, slots=True)
class Work:
    """What one change needs: decisions to add, `gone` values of its stamp and whole `ended` stamps to end."""

    change: Change
    added: tuple[Batch, ...]
    gone: tuple[str, ...]
    ended: tuple[Stamp, ...]


def work_of(change: Change, live: CrowdSecLive, renew_before: datetime) -> Work:
    """Pure: what of a change does not stand yet; rows that end before `renew_before` do not count."""
    standing = live.of(change.object_id)
    if change.after is None:
        return Work(change, (), (), tuple(standing.stamps))
    origin, stamp, values = origin_of(change.object_id), stamp_of(change.after), change.after["values"]
    ends, due = standing.ends(stamp), _due(stamp, renew_before)
    missing = [value for value in values if ends.get(value, 0.0) < due] if ends else values
    gone = tuple(sorted(ends.keys() - set(values))) if ends else ()
    added = (Batch(origin, stamp, missing),) if missing else ()
    return Work(change, added, gone, tuple(other for other in standing.stamps if other != stamp))


def _due(stamp: Stamp, renew_before: datetime) -> float:
    """A row that lasts as long as its ban is never renewed; LAPI tells ends in whole seconds."""
    end = end_of(stamp)
    due = renew_before.timestamp()
    return due if end is None else min(due, end.timestamp() - ENDS_WITHIN_SECONDS)


class Writer:
    """Writes the bans of one Edge."""

    def __init__(
        self, client: LapiClient, turn: Turn, edge: str, settings: CrowdSecSettings, progress: Progress
    ) -> None:
        self._client = client
        self._turn = turn
        self._edge = edge
        self._settings = settings
        self._progress = progress

    def write(self, live: CrowdSecLive, changes: Sequence[Change], now: datetime) -> Iterator[Outcome]:
        """An Outcome for each change whose rows are read back and whose removals are done.

        Raises the ProviderError at which it stopped; changes without an Outcome were not finished.
        """
        renew_before = now + self._settings.renewal_margin * _TOGETHER
        works = [work_of(change, live, renew_before) for change in changes]
        with self._turn.hold(live.turn):
            confirmed, error = self._add([batch for work in works for batch in work.added], now)
            for work in works:
                confirmed -= count_of(work.added)
                if confirmed < 0 and error is not None:
                    raise error
                self._remove(work)
                yield Outcome(work.change, Result.DONE)

    def _add(self, batches: Sequence[Batch], now: datetime) -> tuple[int, ProviderError | None]:
        """How many decisions, from the first on, are read back, and what stopped the others."""
        total = count_of(batches)
        if not total:
            return 0, None
        sent: list[tuple[int, Future[None]]] = []
        error = None
        title = f"Edge/{self._edge}: writing {total:,} bans"
        with self._progress.task(title, total) as task, ThreadPoolExecutor(1) as reader:
            try:
                for chunk in chunks_of(batches, self._settings.chunk_size):
                    sent.append((count_of(chunk), self._send(chunk, now, reader)))
                    task.advance(count_of(chunk))
            except ProviderError as failure:
                error = failure
        return _confirmed(sent, error)

    def _send(self, batches: Sequence[Batch], now: datetime, reader: ThreadPoolExecutor) -> Future[None]:
        """One alert. When another writer was in the way, asks what got in, and sends only the rest."""
        for attempt in range(1, _TRIES + 1):
            try:
                alert = alert_of(batches, self._edge, now, self._settings.decision_duration)
                with self._turn.sending():
                    alert_id = self._client.add_alert(alert)
                break
            except TransientError as error:
                if error.reason != BUSY or attempt == _TRIES:
                    raise
                time.sleep(_PAUSE_SECONDS * attempt)
                batches = missing_from(self._client.alerts(filter_of(self._edge)).items, batches)
                if not batches:
                    return reader.submit(lambda: None)
        return reader.submit(self._confirm, alert_id, batches)

    def _confirm(self, alert_id: str, batches: Sequence[Batch]) -> None:
        """CrowdSec 1.7 drops a value that it cannot read without a word, so nothing is taken on trust."""
        lost = missing_from([self._client.alert(alert_id)], batches)
        if lost:
            total = count_of(batches)
            raise TerminalError(
                f"LAPI kept {total - count_of(lost):,} of {total:,} decisions of alert {alert_id}; "
                f"missing are {', '.join(lost[0].values[:3])} and whatever else is like them",
                reason="BansLost",
            )

    def _remove(self, work: Work) -> None:
        """Ends what the change leaves behind: until LAPI finds nothing more, or value by value."""
        origin = origin_of(work.change.object_id)
        for stamp in work.ended:
            while self._client.end_decisions(origin, stamp):
                pass
        if work.gone:
            stamp = stamp_of(work.change.after)
            title = f"Edge/{self._edge}: lifting {len(work.gone):,} bans"
            with (
                self._progress.task(title, len(work.gone)) as task,
                ThreadPoolExecutor(_REMOVERS) as removers,
            ):
                for _ in removers.map(
                    lambda value: self._client.end_decisions(origin, stamp, value), work.gone
                ):
                    task.advance()


def _confirmed(
    sent: Sequence[tuple[int, Future[None]]], error: ProviderError | None
) -> tuple[int, ProviderError | None]:
    """The rows up to the first alert that could not be read back."""
    confirmed = 0
    for size, future in sent:
        failure = future.exception()
        if isinstance(failure, ProviderError):
            return confirmed, failure
        future.result()
        confirmed += size
    return confirmed, error
