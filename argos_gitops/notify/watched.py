"""A Reporter whose failures people are told of."""

from argos_gitops.model.errors import ArgosError
from argos_gitops.notify.notifications import Notifications
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.outbox import Alarm
from argos_gitops.ports.report import UNTOLD, PassResult, Reporter
from argos_gitops.ports.store import StatusStore, Untold


class Watched:
    """Hands on to `reporter`, and tells when it begins to fail and when it can be told again.

    `name` is what people call it (`status branch`, `forge`). What fails is kept in the store too, where
    every command sees it, until a report was told.
    """

    def __init__(
        self, name: str, reporter: Reporter, notifications: Notifications, status: StatusStore, clock: Clock
    ) -> None:
        self._name = name
        self._reporter = reporter
        self._notifications = notifications
        self._status = status
        self._clock = clock
        self._well: bool | None = None

    def report(self, result: PassResult) -> None:
        alarm = Alarm("ReportFailed", self._name)
        try:
            self._reporter.report(result)
        except ArgosError as error:
            self._well = False
            self._keep(error)
            self._notifications.begins(alarm, f"The {self._name} cannot be told: {error.reason}", str(error))
            raise
        if not self._well and result.result not in UNTOLD:
            if self._name in self._status.untold():
                self._status.set_untold(self._name, None)
            self._notifications.ends(alarm)
            self._well = True

    def _keep(self, error: ArgosError) -> None:
        known = self._status.untold().get(self._name)
        since = known.since if known is not None else self._clock.now()
        untold = Untold(error.reason, str(error), since)
        if untold != known:
            self._status.set_untold(self._name, untold)
