"""The front process, which answers all HTTP: kept alive by the agent, and never in the way of a pass."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from argos_gitops.app.front_child import FrontChild, passed_on
from argos_gitops.app.front_link import FrontSettings
from argos_gitops.app.listening import Listener, open_listener
from argos_gitops.app.log import Log
from argos_gitops.app.settings import Settings
from argos_gitops.model.errors import SettingsError
from argos_gitops.supervision.backoff import Backoff
from argos_gitops.supervision.supervised import SupervisedThread

_FIRST_PAUSE = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=30)
_STABLE_SECONDS = 60.0


class Front:
    """Starts the front, starts it again when it dies, and passes on what the two have to say.

    `on_look` is called from a thread of ours whenever a webhook asks the agent to look again; `metrics` is
    the folder that prometheus_client's files of both processes lie in.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        on_look: Callable[[str], None],
        log: Log,
        metrics: Path,
    ) -> None:
        if settings.listen is None:
            raise SettingsError("ARGOS_LISTEN is off, so there is no front to run")
        self._listen = settings.listen
        self._settings = FrontSettings.of(settings, os.getpid())
        self._environment = passed_on(environment) | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        self._metrics = metrics
        self._on_look = on_look
        self._log = log
        self._configuration: dict[str, Any] = {}
        self._listener: Listener | None = None
        self._child: FrontChild | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = SupervisedThread("front", self._supervise, self._over.is_set)

    @property
    def address(self) -> str:
        """Where it listens, once started; the port is the real one also where 0 was asked for."""
        return self._listener.address if self._listener else self._listen

    @property
    def pid(self) -> int | None:
        """Of the process that lives now, if one does."""
        child = self._child
        return child.pid if child is not None and child.running else None

    @property
    def alive(self) -> bool:
        return self.pid is not None

    def start(self) -> None:
        """Listens at once: requests wait for the process. SettingsError when the address is taken."""
        self._listener = open_listener(self._listen)
        self._thread.start()
        self._log.info("listening", address=self.address)

    def configure(self, news: Mapping[str, Any]) -> None:
        """Tells the front; whatever was told last under each key is told to every later process too."""
        with self._lock:
            self._configuration |= news
            if self._child is not None:
                self._child.tell({"configuration": news})

    def stop(self, timeout: float) -> None:
        """Ends the process, within `timeout` seconds if it can, and stops listening."""
        with self._lock:
            self._over.set()
            if self._child is not None:
                self._child.terminate()
        self._thread.join(timeout)
        with self._lock:
            if self._child is not None:
                self._child.kill()
        self._thread.join()
        if self._listener is not None:
            self._listener.close()

    def _supervise(self) -> None:
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while not self._over.is_set():
            born = time.monotonic()
            outcome = self._live_once()
            if time.monotonic() - born >= _STABLE_SECONDS:
                backoff.reset()
            pause = backoff.failed().total_seconds()
            if not self._over.is_set():
                self._log.warning("front_ended", outcome=outcome, again_in_seconds=round(pause, 1))
            self._over.wait(pause)

    def _live_once(self) -> str:
        """The whole life of one process; how it ended."""
        try:
            child = self._give_birth()
        except OSError as error:
            return f"not started: {error.strerror}"
        if child is None:
            return "not started"
        try:
            for message in child.messages():
                if "look" in message:
                    self._on_look(str(message["look"])[:100])
        except BaseException:
            child.kill()  # whatever went wrong here: no process may be left without anybody who listens
            raise
        finally:
            code = child.bury()
            with self._lock:
                self._child = None
        for left in self._metrics.glob(f"*_{child.pid}.db"):
            left.unlink(missing_ok=True)  # its counters begin anew, as after any restart
        return f"exit code {code}"

    def _give_birth(self) -> FrontChild | None:
        """A process that knows all it has to; None when everything is over by now."""
        with self._lock:
            if self._over.is_set() or self._listener is None:
                return None
            first = {"settings": self._settings.message(), "configuration": self._configuration}
            self._child = FrontChild(self._listener.socket, self._environment, first)
            return self._child
