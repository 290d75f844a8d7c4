"""The boundary of a target's pass: whatever goes wrong inside becomes a Failure of that one system."""

from collections.abc import Callable
from typing import TypeVar

from argos_gitops.model.errors import ArgosError, StalePlanError
from argos_gitops.model.plan import Failure
from argos_gitops.supervision.supervised import place_of

T = TypeVar("T")


def contained(work: Callable[[], T]) -> T | Failure:
    """The result of `work`, or why there is none; StalePlanError passes, as it has an answer."""
    try:
        return work()
    except StalePlanError:
        raise
    except ArgosError as error:
        return Failure(error.reason, str(error))
    except Exception as error:  # noqa: BLE001 # one broken target must not stop the others
        return Failure(
            "InternalError", f"unexpected {type(error).__name__} at {place_of(error)}; please report it"
        )
