"""The processes that answer HTTP: kept alive by the agent, and never in the way of a pass or of each other.

    listener ──► verdicts 0, 1 ── other connections ──► front
                     ▲                                    ▲
                     └────────── decisions ── bouncers ───┘

The verdict processes own the listener: they answer forward-auth, and pass any other connection on to the
front, which is where strangers can cause work. The decisions are kept by a process of their own, which nobody
can ask anything. All that connects them is made here and outlives each of them, so that one that is started
again takes the place of the one before.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from argos_gitops.app.channel import SILENCE_SECONDS, VERDICT_SILENCE_SECONDS
from argos_gitops.app.child_supervisor import ChildSupervisor, ProcessState, Program
from argos_gitops.app.front_link import FrontSettings
from argos_gitops.app.listening import Listener, open_listener
from argos_gitops.app.log import Log
from argos_gitops.app.settings import Settings
from argos_gitops.model.errors import SettingsError
from argos_gitops.model.inheritance import OURS
from argos_gitops.ports.health import Subsystem
from argos_gitops.supervision.supervised import ThreadState

_MOST_VERDICT_PROCESSES = 4
_BUFFER = 1024 * 1024

_CREATED_SERIES = {"PROMETHEUS_DISABLE_CREATED_SERIES": "true"}


def nothing_measured() -> str:
    """For a front without an agent."""
    return ""


class Front:
    """Starts the processes, and passes on what they and the agent have to say to each other.

    `on_look` is called from a thread of ours whenever a webhook asks the agent to look again; `measured`
    gives the agent's metrics in Prometheus' text format.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        on_look: Callable[[str], None],
        log: Log,
        measured: Callable[[], str] = nothing_measured,
    ) -> None:
        if settings.listen is None:
            raise SettingsError("ARGOS_LISTEN is off, so there is no front to run")
        self._listen = settings.listen
        self._settings = FrontSettings.of(settings, os.getpid())
        self._environment = OURS.of(environment) | _CREATED_SERIES
        self._on_look = on_look
        self._measured = measured
        self._log = log
        self._configuration: dict[str, Any] = {}
        self._listener: Listener | None = None
        self._sockets: list[socket.socket] = []
        self._processes: dict[str, ChildSupervisor] = {}
        self._threads: Sequence[ThreadState] = ()

    @property
    def address(self) -> str:
        """Where it listens, once started; the port is the real one also where 0 was asked for."""
        return self._listener.address if self._listener else self._listen

    @property
    def pid(self) -> int | None:
        """Of the front process that lives now, if one does."""
        return self.pids().get("front")

    @property
    def alive(self) -> bool:
        return self.pid is not None

    def pids(self) -> Mapping[str, int]:
        """Of all processes that live now, by name: `front`, `bouncers`, `verdicts-0` …"""
        found = {name: process.pid for name, process in self._processes.items()}
        return {name: pid for name, pid in found.items() if pid is not None}

    def subsystems(self) -> list[Subsystem]:
        """How the processes are, one for each."""
        return [process.subsystem() for process in self._processes.values()]

    def processes(self) -> list[ProcessState]:
        """Whether each of them lives, and how often it was started again."""
        return [process.state() for process in self._processes.values()]

    def threads(self) -> Sequence[ThreadState]:
        """The long-lived threads of the process that keeps the decisions, as it told last."""
        return self._threads

    def start(self) -> None:
        """Listens at once: requests wait for the processes. SettingsError when the address is taken."""
        self._listener = open_listener(self._listen)
        self._processes = {program.name: self._supervisor(program) for program in self._programs()}
        for process in self._processes.values():
            process.start()
        self._log.info("listening", address=self.address)

    def configure(self, news: Mapping[str, Any]) -> None:
        """Tells the processes; whatever was told last under each key is told to every later one too."""
        self._configuration |= news
        for name in ("front", "bouncers"):
            if name in self._processes and (told := _for(name, news)):
                self._processes[name].tell({"configuration": told})

    def stop(self, timeout: float) -> None:
        """Ends the processes, within `timeout` seconds if they can, and stops listening."""
        deadline = time.monotonic() + timeout
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.join(max(0.0, deadline - time.monotonic()))
        for each in self._sockets:
            each.close()
        if self._listener is not None:
            self._listener.close()

    def _programs(self) -> Iterator[Program]:
        """Each with what it inherits: the ends of what connects it to the others, and the listener."""
        if self._listener is None:
            return
        taken, passed = self._connected()
        feeds = [self._connected() for _ in range(1 + _verdict_processes())]
        fed = [theirs.fileno() for _, theirs in feeds]
        beat = {"beat_seconds": self._settings.beat_seconds, "log_format": self._settings.log_format}
        module = "argos_gitops.app."
        yield Program(
            "bouncers",
            f"{module}bouncer_process",
            [*(end.fileno() for end in self._connected()), *(ours.fileno() for ours, _ in feeds)],
            lambda: beat | {"configuration": _for("bouncers", self._configuration)},
            self._heard_of_threads,
            SILENCE_SECONDS,
        )
        for number, feed in enumerate(fed[1:]):
            descriptors = [self._listener.socket.fileno(), passed.fileno(), feed]
            name = f"verdicts-{number}"
            yield Program(
                name,
                f"{module}verdict_process",
                descriptors,
                lambda: beat,
                _nothing_to_hear,
                VERDICT_SILENCE_SECONDS,
            )
        yield Program(
            "front",
            f"{module}front_process",
            [taken.fileno(), fed[0]],
            self._first_of_front,
            self._heard,
            SILENCE_SECONDS,
        )

    def _first_of_front(self) -> Mapping[str, Any]:
        configuration = _for("front", self._configuration)
        return {"settings": self._settings.message(), "configuration": configuration}

    def _heard(self, message: Mapping[str, Any]) -> None:
        if "look" in message:
            self._on_look(str(message["look"])[:100])
        if "measure" in message:
            self._processes["front"].tell({"measured": self._measured()})

    def _heard_of_threads(self, message: Mapping[str, Any]) -> None:
        self._threads = [ThreadState(**state) for state in message.get("threads", ())]

    def _supervisor(self, program: Program) -> ChildSupervisor:
        return ChildSupervisor(program, self._environment, self._log)

    def _connected(self) -> tuple[socket.socket, socket.socket]:
        """Two ends that keep packets whole, and carry descriptors."""
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in ends:
            end.setblocking(False)
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._sockets += ends
        return ends


def _verdict_processes() -> int:
    """One for each processor, but two at least: one answers while the other is started again."""
    return min(_MOST_VERDICT_PROCESSES, max(2, len(os.sched_getaffinity(0))))


def _for(process: str, news: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of bouncers are for the process that uses them, which strangers never talk to."""
    return {key: value for key, value in news.items() if (key == "bouncers") == (process == "bouncers")}


def _nothing_to_hear(message: Mapping[str, Any]) -> None:
    """It beats, and that is all it has to say."""
