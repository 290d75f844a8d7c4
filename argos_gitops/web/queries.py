"""What stands behind the question mark of a request, checked."""

from collections.abc import Iterable

from starlette.requests import Request

from argos_gitops.web.answers import RefusalError

_USUAL_LIMIT = 100
_HIGHEST_LIMIT = 1000


def limit_of(request: Request) -> int:
    """How many are asked for."""
    text = request.query_params.get("limit", str(_USUAL_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _HIGHEST_LIMIT):
        raise bad_query(f"limit: expected a number from 1 to {_HIGHEST_LIMIT}")
    return int(text)


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """A filter with a slip in its name must not show everything."""
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        raise bad_query(f"{unknown[0][:40]!r} is no filter; known are {', '.join(sorted(known))}")


def refuse_nul(request: Request) -> None:
    """No name and no text holds NUL, and PostgreSQL takes none."""
    given = [*request.path_params.values(), *(value for _, value in request.query_params.multi_items())]
    if any("\0" in str(each) for each in given):
        raise bad_query("expected text without NUL")


def bad_query(message: str) -> RefusalError:
    return RefusalError(400, "BadQuery", message)
