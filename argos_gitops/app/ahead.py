"""Fetching while the rest of the program is still being imported."""

from concurrent.futures import Future, ThreadPoolExecutor

from argos_gitops.ports.source import Snapshot, Source


class FetchAhead:
    """A Source whose next fetch may be begun before anybody waits for it.

    A new process spends a quarter of a second on importing its store; git can work meanwhile.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._begun: tuple[str | None, Future[Snapshot], ThreadPoolExecutor] | None = None

    def begin(self, rev: str | None) -> None:
        pool = ThreadPoolExecutor(1, thread_name_prefix="fetch")
        self._begun = (rev, pool.submit(self._source.fetch, rev), pool)

    def fetch(self, rev: str | None = None) -> Snapshot:
        begun, self._begun = self._begun, None
        if begun is None:
            return self._source.fetch(rev)
        begun_for, future, pool = begun
        pool.shutdown()  # no thread may be left when a load forks its workers
        return future.result() if begun_for == rev else self._source.fetch(rev)
