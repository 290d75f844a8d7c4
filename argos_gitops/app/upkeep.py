"""What a running agent does besides its passes: finding its own address, and forgetting what is old."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from argos_gitops.model.agent import RetentionSpec
from argos_gitops.scheduling.timetable import Log as Warnings
from argos_gitops.scheduling.timetable import Timetable

if TYPE_CHECKING:
    from argos_gitops.app.application import Application

_ADDRESS_EVERY = timedelta(hours=1)
_PULL_REQUESTS_EVERY = timedelta(minutes=1)
_FORGET_AT = "17 3 * * *"


def timetable_of(
    application: "Application", retention: Callable[[], RetentionSpec], log: Warnings
) -> Timetable:
    """The timetable of an agent, to be started and stopped with it; `retention` is asked each time."""
    timetable = Timetable(log)
    if application.settings.public_ip_url is not None:
        timetable.every(_ADDRESS_EVERY, application.own_addresses.look, name="public-address", jitter=0.1)
    timetable.at_cron(_FORGET_AT, lambda: forget(application, retention()), name="retention")
    return timetable


def plan_pull_requests(application: "Application", timetable: Timetable) -> None:
    """From now on open pull requests are planned whenever they, or what is in force, have changed."""
    look = application.forge.plans.look
    timetable.every(_PULL_REQUESTS_EVERY, look, name="pull-requests", jitter=0.1)


def forget(application: "Application", retention: RetentionSpec) -> None:
    """Drops what was kept for long enough. Any replica may do it, and several may."""
    application.audit.forget(application.now() - retention.audit)
    application.notifications.forget(retention.notifications)
    application.reports.forget(application.now() - retention.reports)
