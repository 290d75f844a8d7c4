"""The last words of a container, without secrets."""

from collections.abc import Iterable, Sequence

from argos_gitops.model.masking import is_secret_name, masked_text
from argos_gitops.model.secret import MASK
from argos_gitops.providers.docker.book import Page
from argos_gitops.providers.docker.engine.client import Document, EngineClient

LINES = 20
_MOST_CHARACTERS = 200
_SHORTEST_SECRET = 4
"""What is shorter than this stands in any text by chance."""


def last_words(client: EngineClient, container: str, secrets: Iterable[str]) -> str:
    """The last lines that a container wrote, masked, one below the other; empty when it wrote none."""
    return "\n".join(masked_lines(client.logs(container, LINES), secrets))


def masked_lines(lines: Sequence[str], secrets: Iterable[str]) -> list[str]:
    """Without control characters and without what is, or looks like, a secret."""
    hidden = sorted({each for each in secrets if len(each) >= _SHORTEST_SECRET}, key=len, reverse=True)
    return [_masked(line, hidden)[:_MOST_CHARACTERS] for line in lines if line.strip()]


def _masked(line: str, secrets: Sequence[str]) -> str:
    text = "".join(each for each in line if each.isprintable() or each == "\t").rstrip()
    for secret in secrets:
        text = text.replace(secret, MASK)
    return masked_text(text)


def secrets_of(container: Document | None, page: Page | None) -> list[str]:
    """The values of variables that a secret stands in, or whose name sounds like one."""
    found = []
    for variable in ((container or {}).get("Config") or {}).get("Env") or ():
        name, _, value = variable.partition("=")
        if is_secret_name(name) or (page is not None and page.env.get(name) == ""):
            found.append(value)
    return found
