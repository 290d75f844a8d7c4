"""One git process: with an environment of its own, ended in time, its errors readable and without secrets.

GitPython finds the program. Its `Git.execute` would hand on our whole environment, secrets included.
"""

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, cast

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.commits import AUTHOR, Author

_LONGEST_MESSAGE = 600
# Measured times make the same failure look new on each pass.
_MEASURED = re.compile(r" after \d+ (ms|milliseconds|seconds)")
_NOISE = re.compile(r"^(hint|remote: Enumerating|remote: Counting|remote: Compressing)\b.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a git process ended; `said` is what it wrote on stderr, on one line and without secrets."""

    code: int
    output: bytes
    said: str


@dataclass(frozen=True, slots=True)
class Git:
    """git, bound to one repository folder, one environment and one time limit.

    `environment` is all that a process gets. `transport` is the one of a git that speaks to the remote: it
    holds credentials, which no other git needs.
    `inherited` are file descriptors that the processes keep open: a lock that they hold with us
    outlives us exactly as long as they do. `author` commits what is written here.
    """

    folder: Path
    environment: Mapping[str, str]
    redact: Callable[[str], str]
    timeout: timedelta
    inherited: tuple[int, ...] = ()
    transport: Mapping[str, str] | None = None
    author: Author = AUTHOR

    def speaking(self) -> "Git":
        """The same, to speak to the remote."""
        return self if self.transport is None else replace(self, environment=self.transport)

    def holding(self, lock: int) -> "Git":
        return replace(self, inherited=(*self.inherited, lock))

    def run(self, *arguments: str, given: bytes | None = None) -> bytes:
        """The output of `git ARGUMENTS`, fed with `given`; raises GitError."""
        answer = self.answer(*arguments, given=given)
        if answer.code:
            said = answer.said or f"exit code {answer.code}"
            raise GitError(f"git {arguments[0]} failed: {said}")
        return answer.output

    def answer(self, *arguments: str, given: bytes | None = None) -> Answer:
        """The same, for whoever reads what a git that failed said; raises GitError where it did not end."""
        with self._process(arguments, subprocess.PIPE if given is not None else None) as process:
            try:
                output, errors = process.communicate(given, self.timeout.total_seconds())
            except subprocess.TimeoutExpired:
                raise self._out_of_time(arguments) from None
        return Answer(process.returncode, output, self._readable(errors) if process.returncode else "")

    def bounded(self, *arguments: str, most: int) -> bytes | None:
        """The output of `git ARGUMENTS`; None where it has more than `most` bytes. Raises GitError."""
        with self._process(arguments, None) as process, self._watched(process):
            output = cast("BinaryIO", process.stdout).read(most + 1)
            if len(output) > most:
                return None
            errors = cast("BinaryIO", process.stderr).read()
            code = process.wait()
        if code == -signal.SIGKILL:
            raise self._out_of_time(arguments)
        if code:
            raise GitError(f"git {arguments[0]} failed: {self._readable(errors) or f'exit code {code}'}")
        return output

    @contextmanager
    def stream(self, *arguments: str, lines: Sequence[str]) -> Iterator[BinaryIO]:
        """The output of a git that reads `lines`, to be read piece by piece.

        The lines go through a file, so that neither side can wait for the other.
        """
        with tempfile.TemporaryFile() as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.seek(0)
            with self._process(arguments, cast("BinaryIO", file)) as process, self._watched(process):
                yield cast("BinaryIO", process.stdout)

    @contextmanager
    def _process(
        self, arguments: Sequence[str], given: BinaryIO | int | None
    ) -> Iterator["subprocess.Popen[bytes]"]:
        git = _gitpython()
        try:
            process = git.cmd.safer_popen(
                [git.Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *arguments],
                stdin=given if given is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env={**self.environment, "GIT_DIR": str(self.folder)},
                start_new_session=True,
                pass_fds=self.inherited,
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            if not self.folder.is_dir():
                raise GitError(f"{self.folder} is no folder") from error
            raise GitError("git is not installed, or not on PATH; install it") from error
        try:
            yield process
        finally:
            _end(process)

    @contextmanager
    def _watched(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        timer = threading.Timer(self.timeout.total_seconds(), _kill, [process])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _readable(self, errors: bytes) -> str:
        text = self.redact(errors.decode("utf-8", "replace"))
        text = _MEASURED.sub("", _NOISE.sub("", text))
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return "; ".join(lines)[-_LONGEST_MESSAGE:]

    def _out_of_time(self, arguments: Sequence[str]) -> GitError:
        seconds = f"{self.timeout.total_seconds():g}"
        return GitError(f"git {arguments[0]} did not end within {seconds} s", reason="GitTimeout")


def _gitpython() -> ModuleType:
    try:
        import git  # costs 0.1 s: only those who need git pay it
    except ImportError as error:  # GitPython raises it when there is no git
        raise GitError("git is not installed, or not on PATH; install it") from error
    return git


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Ends git and whatever it started (ssh, a remote helper), which share its session."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    _kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            try:
                stream.close()
            except BrokenPipeError:
                continue
