"""What is known of how drift came into a Caddy. Its admin API keeps no author, but times tell a lot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from argos_gitops.model.change import Action, Change
from argos_gitops.model.objects import digest_of
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.marks import OWN_SERVERS

_TOLERANCE = timedelta(seconds=2)
"""How exactly the kernel tells when a process began."""

_VERBS = {Action.CREATE: "taken away", Action.UPDATE: "changed", Action.DELETE: "added"}


@dataclass(frozen=True, slots=True)
class Window:
    """Between which two looks a configuration became another one."""

    after: datetime
    before: datetime

    def __str__(self) -> str:
        return f"between {_time(self.after)} and {_time(self.before)} UTC"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known at a look. `window` is None where an earlier process looked before, `started_at` where
    Caddy does not tell since when it runs."""

    window: Window | None
    started_at: datetime | None
    empty: bool

    def note(self, change: Change) -> str:
        """The same words for the same circumstances."""
        if self._restarted and self.started_at is not None:
            what = "without its configuration" if self.empty else "with another configuration"
            return f"Caddy was restarted at {_time(self.started_at)} UTC {what}"
        when = f" {self.window}" if self.window is not None else ""
        return f"{_VERBS[change.action]} through Caddy's admin API{when}"

    @property
    def _restarted(self) -> bool:
        """A Caddy that holds nothing of ours, and that nobody saw lose it, has most likely never had it."""
        if self.started_at is None or self.window is None:
            return self.empty
        return self.started_at > self.window.after - _TOLERANCE


class Attribution:
    """Remembers what was said of a drift, so that it is said again until the drift is another one."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str] = {}

    def unknown(self, changes: Iterable[Change]) -> bool:
        return any(_identity(change) not in self._said for change in changes)

    def notes(self, changes: Iterable[Change], now: Circumstances | None) -> Mapping[str, str]:
        """By object id. `now` may be None where nothing is unknown."""
        said = {}
        for change in changes:
            identity = _identity(change)
            known = self._said.get(identity)
            said[identity] = known if known is not None or now is None else now.note(change)
        self._said = {identity: note for identity, note in said.items() if note}
        return {object_id: note for (object_id, _), note in self._said.items()}


def holds_nothing_of_ours(layout: Layout) -> bool:
    return not layout.hosts and not set(OWN_SERVERS) & set(layout.servers)


def _identity(change: Change) -> tuple[str, str]:
    return change.object_id, digest_of(change.before)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
