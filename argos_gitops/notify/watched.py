"""A Reporter whose failures people are told of."""

from argos_gitops.model.errors import ArgosError
from argos_gitops.notify.notifications import Notifications
from argos_gitops.ports.outbox import Alarm
from argos_gitops.ports.report import PassResult, Reporter


class Watched:
    """Hands on to `reporter`, and tells when it begins to fail and when it can be told again.

    `name` is what people call it (`status-branch`, `forge`).
    """

    def __init__(self, name: str, reporter: Reporter, notifications: Notifications) -> None:
        self._name = name
        self._reporter = reporter
        self._notifications = notifications
        self._well: bool | None = None

    def report(self, result: PassResult) -> None:
        alarm = Alarm("ReportFailed", self._name)
        try:
            self._reporter.report(result)
        except ArgosError as error:
            self._well = False
            self._notifications.begins(alarm, f"The {self._name} cannot be told: {error.reason}", str(error))
            raise
        if not self._well:
            self._notifications.ends(alarm)
            self._well = True
