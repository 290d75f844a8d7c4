"""Facts of many files, worked out on all cores.

Worker processes are forked, which is only sound while this process has a single thread; otherwise,
and for few files, the work is done here. Each worker has a pipe of its own and one chunk at a time,
so memory stays low and nobody waits for anybody. A worker ends with its pipe: also when this process
is killed.
"""

import gc
import os
import signal
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from argos_gitops.manifests.facts import FactFinder
from argos_gitops.model.errors import ArgosError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

File = tuple[str, bytes]
"""A blob id and its content; or, as an answer, its encoded facts."""

WORTH_FORKING = 200
"""Files from which on starting processes costs less than it saves."""
_CHUNK_FILES = 64
_CHUNK_BYTES = 512 * 1024
_HIGHEST_FD = 2**31 - 2


def find_facts(
    finder: FactFinder, files: Iterable[File], count: int, workers: int | None
) -> Generator[File, None, None]:
    """The encoded facts of each of `count` files, in any order. `workers`: None means one a core."""
    wanted = min(workers or len(os.sched_getaffinity(0)), count // (WORTH_FORKING // 2))
    if wanted < 2 or threading.active_count() > 1:
        for blob, data in files:
            yield blob, finder.find(data).encode()
        return
    finder.prepare()
    crew = _Crew(finder, wanted)
    try:
        yield from crew.work(_chunks(files))
    finally:
        crew.dismiss()


def _chunks(files: Iterable[File]) -> Iterator[Sequence[File]]:
    chunk: list[File] = []
    size = 0
    for file in files:
        chunk.append(file)
        size += len(file[1])
        if len(chunk) >= _CHUNK_FILES or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class _Crew:
    """The worker processes of one load."""

    def __init__(self, finder: FactFinder, count: int) -> None:
        from multiprocessing import get_context

        context = get_context("fork")
        self._pipes: list[Connection[Any, Any]] = []
        self._processes: list[BaseProcess] = []
        # Workers inherit the mask: Ctrl-C, which reaches the whole group, is this process's to handle.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, finder), daemon=True)
                process.start()
                theirs.close()
                self._pipes.append(ours)
                self._processes.append(process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def work(self, chunks: Iterator[Sequence[File]]) -> Iterator[File]:
        from multiprocessing.connection import wait

        busy: list[Any] = [pipe for pipe in self._pipes if self._feed(pipe, chunks)]
        while busy:
            ready: list[Any] = wait(busy)
            for pipe in ready:
                answer = self._answer(pipe)
                if not self._feed(pipe, chunks):
                    busy.remove(pipe)
                yield from answer

    def dismiss(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
            process.join()
            process.close()

    @staticmethod
    def _feed(pipe: "Connection[Any, Any]", chunks: Iterator[Sequence[File]]) -> bool:
        """Sends the next chunk, if there is one."""
        chunk = next(chunks, None)
        if chunk is None:
            return False
        try:
            pipe.send(chunk)
        except BrokenPipeError:
            raise _died() from None
        return True

    @staticmethod
    def _answer(pipe: Any) -> list[File]:
        try:
            answer: list[File] = pipe.recv()
        except (EOFError, ConnectionResetError):
            raise _died() from None
        return answer


def _died() -> ArgosError:
    return ArgosError(
        "a process that parsed configuration files was ended from outside, perhaps for want of memory; "
        "nothing was changed, try again",
        reason="ParserEnded",
    )


def _work(pipe: "Connection[Any, Any]", finder: FactFinder) -> None:
    """A worker's life: answers chunks until the pipe ends."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _keep_only(pipe.fileno())
    gc.freeze()  # what was inherited is not garbage, and walking it would copy its pages
    try:
        while True:
            chunk: Sequence[File] = pipe.recv()
            pipe.send([(blob, finder.find(data).encode()) for blob, data in chunk])
    except (EOFError, ConnectionError):
        return


def _keep_only(descriptor: int) -> None:
    """Closes what the fork inherited, or the pipes of others would never end."""
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, _HIGHEST_FD)
