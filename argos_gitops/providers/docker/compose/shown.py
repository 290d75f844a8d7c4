"""Whether what runs is what was shown: the model with secrets beside the model with placeholders. Pure.

Reviews, plans and policies see placeholders. So a value that is secret may stand in a text, and nothing else
may depend on it: no key, no path, no switch.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from argos_gitops.providers.docker.compose.files import PLACEHOLDER_SIGN

Way = tuple[str | int, ...]


def deviation(shown: Any, actual: Any) -> Way | None:
    """The way to the first thing that is another one with secrets; None where only placeholders differ."""
    return next(_deviations(shown, actual, ()), None)


def undoubled(model: Any) -> Any:
    """The same plain data with each `$` as it is, where Compose doubled it."""
    if isinstance(model, Mapping):
        return {undoubled(key): undoubled(value) for key, value in model.items()}
    if isinstance(model, str):
        return model.replace("$$", "$")
    return [undoubled(each) for each in model] if isinstance(model, list) else model


def _deviations(shown: Any, actual: Any, way: Way) -> Iterator[Way]:
    if isinstance(shown, str) and PLACEHOLDER_SIGN in shown:
        if isinstance(actual, (Mapping, list)):
            yield way
    elif isinstance(shown, Mapping) and isinstance(actual, Mapping):
        for key in [*shown, *(key for key in actual if key not in shown)]:
            if key not in shown or key not in actual:
                yield (*way, str(key))
            else:
                yield from _deviations(shown[key], actual[key], (*way, str(key)))
    elif isinstance(shown, list) and isinstance(actual, list):
        if len(shown) != len(actual):
            yield way
            return
        for number, (one, other) in enumerate(zip(shown, actual, strict=True)):
            yield from _deviations(one, other, (*way, number))
    elif shown != actual:
        yield way
