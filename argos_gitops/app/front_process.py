"""The front process itself: `python -m argos_gitops.app.front_process CHANNEL LISTENING`.

It is started by the agent (app/front.py) with two descriptors, and ends with it. Strangers may reach it:
it has what it needs to answer them, and neither git's credentials nor any key of the agent.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argos_gitops.app.clock import SystemClock
from argos_gitops.app.front_link import BEAT_SECONDS, FrontSettings, decode, encode
from argos_gitops.app.log import Log, adopt_library_logs
from argos_gitops.web.exposition import expose
from argos_gitops.web.followed import Followed
from argos_gitops.web.metrics import WebMetrics
from argos_gitops.web.server import Server
from argos_gitops.web.site import Site, Surroundings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from argos_gitops.ports.audit import AuditLog
    from argos_gitops.ports.control import Controls
    from argos_gitops.ports.health import Replicas
    from argos_gitops.ports.store import StatusStore

_LONGEST_MESSAGE = 16 * 1024 * 1024
_MOST_DESCRIPTORS = 65_536


class StoreReaders:
    """The ports over the agent's database, opened (and SQLAlchemy imported) by the first question."""

    def __init__(self, url: str, instance: str) -> None:
        self._url = url
        self._instance = instance

    @cached_property
    def _engine(self) -> "Engine":
        from argos_gitops.store.database import open_database

        return open_database(self._url)

    @property
    def statuses(self) -> "StatusStore":
        from argos_gitops.store.status import SqlStatusStore

        return SqlStatusStore(self._engine, self._instance)

    @property
    def audit(self) -> "AuditLog":
        from argos_gitops.store.audit import SqlAuditLog

        return SqlAuditLog(self._engine, self._instance)

    @property
    def controls(self) -> "Controls":
        from argos_gitops.store.controls import SqlControls

        return SqlControls(self._engine, self._instance)

    @property
    def replicas(self) -> "Replicas":
        from argos_gitops.store.replicas import SqlReplicas

        return SqlReplicas(self._engine, self._instance)


class Agent:
    """The other end of the channel."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def look(self, why: str) -> None:
        """Asks for a look. One that was asked for and not yet sent covers every later one."""
        if self._writer.transport.get_write_buffer_size() == 0:
            self._writer.write(encode({"look": why}))

    async def beat(self) -> None:
        while True:
            self._writer.write(encode({"beat": 1}))
            await asyncio.sleep(BEAT_SECONDS)


def main() -> None:
    """Serves until the agent says so (SIGTERM) or is gone. Ctrl-C is for the agent to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel, listening = (socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:])
    _allow_many_connections()
    asyncio.run(_serve(channel, listening))


async def _serve(channel: socket.socket, listening: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=channel, limit=_LONGEST_MESSAGE)
    first = await reader.readline()
    if not first:
        return
    message = decode(first)
    agent = Agent(writer)
    site = _site(FrontSettings.parse(message["settings"]), agent)
    _configure(site, message["configuration"])
    server = Server(site.application)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    gc.collect()
    gc.freeze()  # what is there now stays: no collection, and so no answer, has to wait for a walk over it
    async with asyncio.TaskGroup() as company:
        around = [company.create_task(agent.beat()), company.create_task(_listen(reader, site, server))]
        await server.serve_on(listening)
        for task in around:
            task.cancel()


async def _listen(reader: asyncio.StreamReader, site: Site, server: Server) -> None:
    """Takes in what the agent says, until it is gone: then there is nobody to answer for."""
    while line := await reader.readline():
        _configure(site, decode(line)["configuration"])
    server.stop()


def _configure(site: Site, news: Mapping[str, Any]) -> None:
    """Applies what the agent made known under each key."""
    if "replica" in news:
        site.health.own = news["replica"]


def _site(settings: FrontSettings, agent: Agent) -> Site:
    log = Log(settings.log_format)
    adopt_library_logs(log)
    return Site(
        Surroundings(
            instance=settings.instance,
            followed=Followed(settings.repo, settings.branch),
            webhook_secret=settings.webhook_secret,
            api_token=settings.api_token,
            trigger=agent,
            readers=StoreReaders(settings.store, settings.instance),
            clock=SystemClock(),
            log=log,
            metrics=WebMetrics(registry=None),
            expose=partial(expose, Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), settings.agent),
        )
    )


def _allow_many_connections() -> None:
    """Each connection is a descriptor, and the usual limit of 1,024 is for people at a shell."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if 0 <= hard < _MOST_DESCRIPTORS else _MOST_DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
