"""Writes changes to LAPI: first everything that is new, then the removal of what it replaces.

Only the difference is sent. Rows that are due for renewal count as missing; what they replace ends by
itself, so no bouncer sees a removal. A removal names origin, stamp and value, and never what may match a row
that was just added. Killed at any step, the next look finds what stands and goes on from there.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from argos_gitops.model.change import Change, Outcome, Result
from argos_gitops.ports.progress import Progress
from argos_gitops.providers.crowdsec.add import Adder
from argos_gitops.providers.crowdsec.client import LapiClient
from argos_gitops.providers.crowdsec.marks import Stamp, origin_of
from argos_gitops.providers.crowdsec.observe import (
    ENDS_WITHIN_SECONDS,
    CrowdSecLive,
    stamp_of,
)
from argos_gitops.providers.crowdsec.rows import Batch, count_of, end_of
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings
from argos_gitops.providers.crowdsec.turn import Turn

_REMOVERS = 4
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
    origin, stamp = origin_of(change.object_id), stamp_of(change.after)
    missing, gone = _compared(standing.ends(stamp), change.after["values"], _due(stamp, renew_before))
    ended = tuple(other for other in standing.stamps if other != stamp)
    added = (Batch(origin, stamp, missing, bool(gone or ended)),) if missing else ()
    return Work(change, added, gone, ended)


def _compared(
    ends: Mapping[str, float], values: Sequence[str], due: float
) -> tuple[Sequence[str], tuple[str, ...]]:
    """Values to add and values to end. Whole sets at a time: 100,000 values take some 30 ms."""
    if not ends:
        return values, ()
    wanted, standing = frozenset(values), frozenset(ends)
    missing = wanted - standing
    if min(ends.values()) < due:
        missing |= {value for value in wanted & standing if ends[value] < due}
    return sorted(missing), tuple(sorted(standing - wanted))


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
        self._renew_early = settings.renewal_margin * _TOGETHER
        self._progress = progress
        self._adder = Adder(client, turn, edge, settings, progress)

    def write(self, live: CrowdSecLive, changes: Sequence[Change], now: datetime) -> Iterator[Outcome]:
        """LAPI counts from the time that it is told, so alerts carry the time by its own clock.

        An Outcome for each change whose rows LAPI has and whose removals are done.

        Raises the ProviderError at which it stopped; changes without an Outcome were not finished.
        """
        works = [work_of(change, live, now + self._renew_early) for change in changes]
        with self._turn.hold(live.turn):
            added = self._adder.add([batch for work in works for batch in work.added], now + live.ahead)
            left = added.confirmed
            for work in works:
                left -= count_of(work.added)
                if left < 0 and added.error is not None:
                    raise added.error
                self._remove(work)
                yield Outcome(work.change, Result.DONE)

    def _remove(self, work: Work) -> None:
        """Ends what the change leaves behind: until LAPI finds nothing more, or value by value."""
        origin = origin_of(work.change.object_id)
        for stamp in work.ended:
            while self._client.end_decisions(origin, stamp):
                pass
        if work.gone:
            self._lift(origin, stamp_of(work.change.after), work.gone)

    def _lift(self, origin: str, stamp: Stamp, values: Sequence[str]) -> None:
        title = f"Edge/{self._edge}: lifting {len(values):,} bans"
        with self._progress.task(title, len(values)) as task, ThreadPoolExecutor(_REMOVERS) as removers:
            for _ in removers.map(lambda value: self._client.end_decisions(origin, stamp, value), values):
                task.advance()
