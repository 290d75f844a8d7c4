"""What holds changes back during one look: what people ask for, what git says, and the time."""

from collections.abc import Iterable
from datetime import datetime

from argos_gitops.model.resource import SUSPEND_ANNOTATION, AnyResource, ResourceKey
from argos_gitops.planning.holds import Suspended
from argos_gitops.ports.control import AGENT, Controls, Orders, Suspension


def orders_of(controls: Controls, now: datetime) -> Orders:
    """What people ask for at `now`; to be read anew for each look."""
    return Orders(tuple(controls.suspensions()), controls.pin(), controls.override(now))


def suspended(resources: Iterable[AnyResource], orders: Orders) -> Suspended:
    """What is suspended in git or by a person; where both say so, the person is named."""
    subjects = {each.key: SUSPEND_ANNOTATION for each in resources if each.suspended}
    everything = ""
    for suspension in orders.suspensions:
        if suspension.subject == AGENT:
            everything = _who(suspension)
        else:
            subjects[ResourceKey.parse(suspension.subject)] = _who(suspension)
    return Suspended(subjects, everything)


def _who(suspension: Suspension) -> str:
    return f"by {suspension.by}" + (f": {suspension.reason}" if suspension.reason else "")
