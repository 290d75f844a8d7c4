"""Adds decisions to LAPI, and reads back what must be seen before anything is removed.

Alerts go one after the other: two writers at once make SQLite answer "database is locked". They are big and
few, and so beyond the reach of LAPI's flush, whose `max_items` counts alerts.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.ports.progress import Progress
from argos_gitops.providers.crowdsec.answers import BUSY
from argos_gitops.providers.crowdsec.client import LapiClient
from argos_gitops.providers.crowdsec.observe import written_by
from argos_gitops.providers.crowdsec.rows import (
    Batch,
    Write,
    by_source,
    chunks_of,
    count_of,
    encoded_alert,
    missing_from,
)
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings
from argos_gitops.providers.crowdsec.turn import Turn

_TRIES = 8
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Added:
    """How many decisions, from the first on, LAPI has, and what stopped the others."""

    confirmed: int
    error: ProviderError | None


@dataclass(frozen=True, slots=True)
class _Alert:
    """What is sent at once, and whether it is read back before the write goes on to remove anything."""

    write: Write
    batches: Sequence[Batch]
    read_back: bool


class Adder:
    """Adds decisions on one Edge."""

    def __init__(
        self, client: LapiClient, turn: Turn, edge: str, settings: CrowdSecSettings, progress: Progress
    ) -> None:
        self._client = client
        self._turn = turn
        self._edge = edge
        self._settings = settings
        self._progress = progress

    def add(self, batches: Sequence[Batch], now: datetime) -> Added:
        """Sends all of them, unless one alert fails; that error is returned, not raised.

        LAPI never waits for us: the next alert is encoded, and earlier ones are read, while one is stored.
        """
        alerts = self._alerts(batches, now)
        if not alerts:
            return Added(0, None)
        sent: list[tuple[int, Future[None] | None]] = []
        error = None
        title = f"Edge/{self._edge}: writing {count_of(batches):,} bans"
        with self._progress.task(title, count_of(batches)) as task, ThreadPoolExecutor(2) as beside:
            for alert, encoded in zip(alerts, _ahead(beside, alerts), strict=True):
                try:
                    self._send(encoded, alert)
                except ProviderError as failure:
                    error = failure
                    break
                task.advance(count_of(alert.batches))
                read = beside.submit(self._confirm, alert) if alert.read_back else None
                sent.append((count_of(alert.batches), read))
        return _added(sent, error)

    def _alerts(self, batches: Sequence[Batch], now: datetime) -> Sequence[_Alert]:
        """Which alerts to send. The first is always read back, so all that fits into one alert is.

        So is whatever replaces something: the old must not go before the new is seen. Reading costs LAPI
        a quarter of what storing does, so a large addition is left to the look that ends each pass.
        """
        alerts = []
        for number, (source, chunk) in enumerate(self._chunks(batches)):
            name = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}-{number}"
            write = Write(self._edge, source, name, now, self._settings.decision_duration)
            read_back = number == 0 or any(batch.replaces for batch in chunk)
            alerts.append(_Alert(write, chunk, read_back))
        return alerts

    def _chunks(self, batches: Sequence[Batch]) -> Iterator[tuple[str, Sequence[Batch]]]:
        for source, under in by_source(self._edge, batches).items():
            for chunk in chunks_of(under, self._settings.chunk_size):
                yield source, chunk

    def _send(self, encoded: bytes, alert: _Alert) -> None:
        """One alert. When another writer was in the way, asks what got in, and sends only the rest."""
        for attempt in range(1, _TRIES + 1):
            try:
                with self._turn.sending():
                    self._client.add_alert(encoded)
            except TransientError as error:
                if error.reason != BUSY or attempt == _TRIES:
                    raise
                time.sleep(_PAUSE_SECONDS * attempt)
                missing = self._missing(alert)
                if not missing:
                    return
                encoded = encoded_alert(missing, alert.write)
            else:
                return

    def _missing(self, alert: _Alert) -> list[Batch]:
        found = self._client.alerts(written_by(alert.write))
        return missing_from(found.items, alert.batches)

    def _confirm(self, alert: _Alert) -> None:
        """CrowdSec 1.7 drops a value that it cannot read without a word, so nothing is taken on trust."""
        lost = self._missing(alert)
        if lost:
            total = count_of(alert.batches)
            raise TerminalError(
                f"LAPI took {total:,} decisions for Edge/{self._edge} and holds {total - count_of(lost):,}; "
                f"missing are {', '.join(lost[0].values[:3])} and whatever else is like them",
                reason="BansLost",
            )


def _ahead(beside: ThreadPoolExecutor, alerts: Sequence[_Alert]) -> Iterator[bytes]:
    """Each alert as LAPI takes it; while one is in use, the next is encoded."""
    coming: Future[bytes] | None = None
    for alert in alerts:
        following = beside.submit(encoded_alert, alert.batches, alert.write)
        if coming is not None:
            yield coming.result()
        coming = following
    if coming is not None:
        yield coming.result()


def _added(sent: Sequence[tuple[int, Future[None] | None]], error: ProviderError | None) -> Added:
    """Counts up to the first alert that could not be read back."""
    confirmed = 0
    for size, read in sent:
        failure = read.exception() if read is not None else None
        if isinstance(failure, ProviderError):
            return Added(confirmed, failure)
        if failure is not None:
            raise failure
        confirmed += size
    return Added(confirmed, error)
