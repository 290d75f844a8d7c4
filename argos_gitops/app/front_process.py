"""The front process itself: `python -m argos_gitops.app.front_process CHANNEL CONNECTIONS FEED`.

It is started by the agent (app/front.py), and ends with it. Strangers may reach it: it has what it needs to
answer them, and neither git's credentials nor any key of the agent. The connections that it serves come from
the verdict processes, which accepted them.
"""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

import argos_gitops
from argos_gitops.app.channel import decode, encode
from argos_gitops.app.clock import SystemClock
from argos_gitops.app.descriptors import allow_many
from argos_gitops.app.front_link import FrontSettings
from argos_gitops.app.log import Log, adopt_library_logs
from argos_gitops.app.passing import Taken
from argos_gitops.app.room import full_disk
from argos_gitops.app.stores import Stores
from argos_gitops.app.verdict_feed import FedBouncers
from argos_gitops.web.clients import parse_networks
from argos_gitops.web.exposition import Exposition
from argos_gitops.web.followed import Followed
from argos_gitops.web.forward_auth import ForwardAuth, VerdictMetrics
from argos_gitops.web.metrics import WebMetrics
from argos_gitops.web.server import Server
from argos_gitops.web.site import Site, Surroundings

_LONGEST_MESSAGE = 16 * 1024 * 1024
_QUIET_SECONDS = 0.1
_MEASURED_SECONDS = 2.0
_COUNTS_SECONDS = 1.0
_AGENT_SCRIPT = Path(argos_gitops.__file__).parent / "providers/docker/push/argos-docker-agent.sh"


class Agent:
    """The other end of the channel."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._quiet = False
        self._asked_again = ""
        self._asked: asyncio.Future[str] | None = None

    def look(self, why: str) -> None:
        """Asks for a look: the first at once, and what follows closely all together."""
        if self._quiet:
            self._asked_again = why
            return
        self._writer.write(encode({"look": why}))
        self._quiet = True
        asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._ask_again)

    async def measured(self) -> str | None:
        """The metrics of the agent; None when it does not answer. Who asks at once gets the same answer."""
        asked = self._asked
        if asked is None:
            asked = self._asked = asyncio.get_running_loop().create_future()
            self._writer.write(encode({"measure": 1}))
        try:
            return await asyncio.wait_for(asyncio.shield(asked), _MEASURED_SECONDS)
        except TimeoutError:
            return None

    def heard(self, measured: str) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.set_result(measured)

    def _ask_again(self) -> None:
        why, self._asked_again, self._quiet = self._asked_again, "", False
        if why:
            self.look(why)

    async def beat(self, seconds: float) -> None:
        while True:
            self._writer.write(encode({"beat": 1}))
            await asyncio.sleep(seconds)


def main() -> None:
    """Serves until the agent says so (SIGTERM) or is gone. Ctrl-C is for the agent to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel, connections, feed = (socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:])
    allow_many()
    asyncio.run(_serve(channel, connections, feed))


async def _serve(channel: socket.socket, connections: socket.socket, feed: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=channel, limit=_LONGEST_MESSAGE)
    first = await reader.readline()
    if not first:
        return
    message = decode(first)
    agent = Agent(writer)
    settings = FrontSettings.parse(message["settings"])
    readers = Stores(settings.store, settings.instance, may_create=False)
    bouncers, verdicts = FedBouncers(feed), CollectorRegistry()
    numbers = VerdictMetrics(verdicts)
    site = _site(settings, readers, agent, bouncers, numbers, verdicts)
    _configure(site, message["configuration"])
    server = Server(site.application)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    loop.add_reader(feed, bouncers.take)
    bouncers.hello()
    gc.collect()
    gc.freeze()  # what is there now stays: no collection, and so no answer, has to wait for a walk over it
    async with asyncio.TaskGroup() as company:
        beating = company.create_task(agent.beat(settings.beat_seconds))
        counting = company.create_task(_send_counts(numbers, bouncers))
        listener = company.create_task(_listen(reader, server, agent, site))
        serving = company.create_task(server.serve_adopted())
        await server.ready.wait()
        taken = Taken(connections, lambda: server.full, server.adopt, numbers.count_all)
        taken.begin()
        await serving
        taken.end()
        beating.cancel()
        counting.cancel()
        listener.cancel()
    numbers.unsent.send(bouncers.count)
    readers.close()


async def _send_counts(numbers: VerdictMetrics, bouncers: FedBouncers) -> None:
    """Tells the process of the bouncers what was answered, here and by the verdict processes."""
    while True:
        numbers.unsent.send(bouncers.count)
        await asyncio.sleep(_COUNTS_SECONDS)


async def _listen(reader: asyncio.StreamReader, server: Server, agent: Agent, site: Site) -> None:
    """Takes in what the agent says, until it is gone: then there is nobody to answer for."""
    with suppress(ConnectionResetError):  # it was killed with something of ours unread
        while line := await reader.readline():
            message = decode(line)
            if "measured" in message:
                agent.heard(message["measured"])
            else:
                _configure(site, message["configuration"])
    server.stop()


def _configure(site: Site, news: Mapping[str, Any]) -> None:
    """Applies what the agent made known under each key."""
    if "replica" in news:
        site.health.own = news["replica"]
    if "stale_after" in news:
        site.docker.stale_after = timedelta(seconds=news["stale_after"])


def _site(
    settings: FrontSettings,
    readers: Stores,
    agent: Agent,
    bouncers: FedBouncers,
    numbers: VerdictMetrics,
    registry: CollectorRegistry,
) -> Site:
    log = Log(settings.log_format)
    adopt_library_logs(log)
    exposition = Exposition(registry, settings.agent)

    async def exposed() -> bytes:
        numbers.stand(bouncers)
        return exposition.page({"agent": await agent.measured()})

    site = Site(
        Surroundings(
            instance=settings.instance,
            followed=Followed(settings.repo, settings.branch),
            webhook_secret=settings.webhook_secret,
            api_token=settings.api_token,
            agent_token=settings.agent_token,
            agent_script=_AGENT_SCRIPT,
            trigger=agent,
            readers=readers,
            clock=SystemClock(),
            log=log,
            trusted_proxies=parse_networks(" ".join(settings.trusted_proxies)),
            metrics=WebMetrics(registry),
            expose=exposed,
        ),
        ForwardAuth(bouncers, numbers).routes(),
    )
    site.health.bouncers = bouncers.health
    site.health.full_disk = lambda: full_disk(Path(settings.state_dir))
    return site


if __name__ == "__main__":
    main()
