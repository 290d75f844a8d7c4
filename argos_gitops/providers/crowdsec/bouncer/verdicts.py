"""Verdicts that were given lately, so that a busy visitor costs one lookup in a dict."""

from argos_gitops.model.verdict import Verdict

_SECONDS = 30.0
_MOST = 20_000


class VerdictCache:
    """Keeps each verdict for 30 seconds, or until a decision comes, goes or ends.

    One thread asks and keeps, another may sweep. At most 20,000 are kept; beyond that each is found anew.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Verdict]] = {}
        self._version = 0

    def get(self, address: str, version: int, now: float) -> Verdict | None:
        """The verdict that was kept while the decisions were the same."""
        if version != self._version:
            self._kept, self._version = {}, version
        until, verdict = self._kept.get(address, (0.0, None))
        return verdict if until > now else None

    def keep(self, address: str, verdict: Verdict, now: float, end: float) -> None:
        """`end` is when the verdict stops being right by itself."""
        if len(self._kept) < _MOST:
            self._kept[address] = (min(now + _SECONDS, end), verdict)

    def sweep(self, now: float) -> None:
        kept = self._kept
        for address, (until, _) in list(kept.items()):
            if until <= now:
                kept.pop(address, None)

    def __len__(self) -> int:
        return len(self._kept)
