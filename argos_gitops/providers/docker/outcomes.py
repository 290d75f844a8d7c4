"""From an error to what became of the changes: one of a Stack stays with it, one of the engine ends all."""

from collections.abc import Callable, Sequence

from argos_gitops.model.change import Change, Outcome, Result
from argos_gitops.model.errors import ProviderError, TransientError
from argos_gitops.providers.docker.engine.client import EngineClient


class SupersededError(TransientError):
    """Something newer is to be applied: nobody waits any more for what is being done."""

    reason = "Superseded"


def contained(
    client: EngineClient, changes: Sequence[Change], act: Callable[[], Sequence[Outcome]]
) -> list[Outcome]:
    """What `act` gives for the changes, or that they failed.

    Raises SupersededError, and TransientError where the engine itself, once asked, does not answer: then
    nothing else can be done on the host.
    """
    try:
        return list(act())
    except SupersededError:
        raise
    except ProviderError as error:
        if isinstance(error, TransientError):
            client.ping()
        return failed(changes, error)


def failed(changes: Sequence[Change], error: ProviderError) -> list[Outcome]:
    passing = isinstance(error, TransientError)
    return [Outcome(each, Result.FAILED, error.reason, str(error), passing) for each in changes]
