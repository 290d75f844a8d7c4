"""What was removed lately, so that many small plans do not add up to what one large plan may not do."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.plan import SystemKey

SPAN = timedelta(hours=1)

_LOSS = {Action.CREATE: -1, Action.DELETE: 1}


class Removals:
    """What git took away from the systems of one target within the last hour. Kept between passes.

    What git added in that time counts against it: a rename removes nothing. What others put there and
    drift cleared away is no loss.
    """

    def __init__(self) -> None:
        self._made: list[tuple[datetime, SystemKey, str, int]] = []

    def record(self, system: SystemKey, change: Change, at: datetime) -> None:
        """One change that was made."""
        loss = _LOSS.get(change.action)
        if loss is not None and change.cause is Cause.REVISION:
            self._made.append((at, system, change.owner.kind, loss))

    def accept(self) -> None:
        """A person has looked at a plan and approved it: counting begins anew."""
        self._made.clear()

    def lost(self, system: SystemKey, now: datetime) -> Mapping[str, int]:
        """How many objects of each kind of owner fewer there are than an hour ago."""
        self._made = [made for made in self._made if now - made[0] < SPAN]
        lost: Counter[str] = Counter()
        for _, where, kind, loss in self._made:
            if where == system:
                lost[kind] += loss
        return {kind: count for kind, count in lost.items() if count > 0}
