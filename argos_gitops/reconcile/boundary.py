"""The boundary of a target's pass: whatever goes wrong inside becomes a Failure of that one system."""

from collections.abc import Callable
from typing import TypeVar

from argos_gitops.model.errors import ArgosError, StalePlanError
from argos_gitops.model.plan import Failure

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
            "InternalError", f"unexpected {type(error).__name__} at {_place(error)}; please report it"
        )


def _place(error: Exception) -> str:
    """Where it was raised. The message is left out: it may quote a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
