"""Names and places as they may be shown, and the known name that somebody may have meant."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from argos_gitops.manifests.problems import Pointer

_SHOWABLE = re.compile(r"[\w./:*@+-]{1,80}")
_LONGEST_GUESS = 64


def shown(name: object) -> str:
    """A field's or resource's name in quotes; what does not look like a name is not repeated."""
    text = str(name)
    return f"'{text}'" if _SHOWABLE.fullmatch(text) else "with an unusual name"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing when no known name is near."""
    text = str(name)
    if len(text) > _LONGEST_GUESS:
        return ""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(text.casefold(), folded, n=1)
    return f" (did you mean '{folded[near[0]]}'?)" if near else ""


def where(pointer: Pointer) -> str:
    """`spec.targets[0].address`; names that do not look like names are left out."""
    text = ""
    for step in pointer:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = shown(step)[1:-1] if shown(step).startswith("'") else "…"
            text += f".{name}" if text else name
    return text or "the document"


def listed(names: Iterable[object]) -> str:
    """`a, b or c`."""
    texts = [str(name) for name in names]
    return f"{', '.join(texts[:-1])} or {texts[-1]}" if len(texts) > 1 else "".join(texts)
