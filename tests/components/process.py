"""One program that runs beside a test: started, waited for, and ended by its own process id."""

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0


class RealProcess:
    """A program with a log file of its own. It dies with the process that started it.

    Of the environment it sees `env` and nothing else.

    Start it from a thread that lives as long as the test: Linux ties it to that very thread.
    """

    def __init__(
        self, command: Sequence[str], log: Path, ready: Callable[[], bool], env: Mapping[str, str]
    ) -> None:
        self._command = [*_tie_to_parent(), *command]
        self._ready = ready
        self._env = dict(env)
        self._running: subprocess.Popen[bytes] | None = None
        self.log = log

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running else None

    def start(self) -> Self:
        """Starts the program and returns when it is ready; it keeps its folder from before, if any."""
        assert self._running is None, "it runs already"
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env
            )
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Asks the program to end, and insists after a while."""
        self._end(lambda process: process.terminate())

    def kill(self) -> None:
        """Ends the program as a power cut would."""
        self._end(lambda process: process.kill())

    def restart(self) -> None:
        self.stop()
        self.start()

    def log_tail(self, lines: int = 60) -> str:
        """The end of what the program said, for the report of a failed test."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._ready():
            if self._running is None or self._running.poll() is not None:
                raise RuntimeError(f"{self._command[-1]} ended before it was ready:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready after {_READY_SECONDS:.0f} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        process, self._running = self._running, None
        if process is None:
            return
        how(process)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()


def _tie_to_parent() -> list[str]:
    """Nothing may be left behind even when the test run itself is killed (util-linux has setpriv)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
