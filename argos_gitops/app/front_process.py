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
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import argos_gitops
from argos_gitops.app.bouncers import OpenBouncers, configs_of
from argos_gitops.app.clock import SystemClock
from argos_gitops.app.front_link import FrontSettings, decode, encode
from argos_gitops.app.log import Log, adopt_library_logs
from argos_gitops.app.stores import Stores
from argos_gitops.web.exposition import expose
from argos_gitops.web.followed import Followed
from argos_gitops.web.forward_auth import ForwardAuth, VerdictMetrics
from argos_gitops.web.metrics import WebMetrics
from argos_gitops.web.server import Server
from argos_gitops.web.site import Site, Surroundings

_LONGEST_MESSAGE = 16 * 1024 * 1024
# A bouncer that takes in many decisions gives way to an answer after so many seconds; Python's own
# choice is 5 ms, which is as long as a verdict may take.
_SWITCH_SECONDS = 0.0005
_QUIET_SECONDS = 0.1
_MOST_DESCRIPTORS = 65_536
_AGENT_SCRIPT = Path(argos_gitops.__file__).parent / "providers/docker/push/argos-docker-agent.sh"


class Agent:
    """The other end of the channel."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._quiet = False
        self._asked_again = ""

    def look(self, why: str) -> None:
        """Asks for a look: the first at once, and what follows closely all together."""
        if self._quiet:
            self._asked_again = why
            return
        self._writer.write(encode({"look": why}))
        self._quiet = True
        asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._ask_again)

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
    channel, listening = (socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:])
    _allow_many_connections()
    sys.setswitchinterval(_SWITCH_SECONDS)
    asyncio.run(_serve(channel, listening))


async def _serve(channel: socket.socket, listening: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=channel, limit=_LONGEST_MESSAGE)
    first = await reader.readline()
    if not first:
        return
    message = decode(first)
    agent = Agent(writer)
    bouncers = OpenBouncers()
    settings = FrontSettings.parse(message["settings"])
    readers = Stores(settings.store, settings.instance)
    site = _site(settings, readers, agent, bouncers)
    configure = partial(_configure, site, bouncers)
    configure(message["configuration"])
    server = Server(site.application)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    gc.collect()
    gc.freeze()  # what is there now stays: no collection, and so no answer, has to wait for a walk over it
    async with asyncio.TaskGroup() as company:
        beating = company.create_task(agent.beat(settings.beat_seconds))
        listener = company.create_task(_listen(reader, server, configure))
        await server.serve_on(listening)
        beating.cancel()
        listener.cancel()
    readers.close()


async def _listen(
    reader: asyncio.StreamReader, server: Server, configure: Callable[[Mapping[str, Any]], None]
) -> None:
    """Takes in what the agent says, until it is gone: then there is nobody to answer for."""
    while line := await reader.readline():
        configure(decode(line)["configuration"])
    server.stop()


def _configure(site: Site, bouncers: OpenBouncers, news: Mapping[str, Any]) -> None:
    """Applies what the agent made known under each key."""
    if "replica" in news:
        site.health.own = news["replica"]
    if "stale_after" in news:
        site.docker.stale_after = timedelta(seconds=news["stale_after"])
    if "bouncers" in news:
        bouncers.configure(configs_of(news["bouncers"]))


def _site(settings: FrontSettings, readers: Stores, agent: Agent, bouncers: OpenBouncers) -> Site:
    log = Log(settings.log_format)
    adopt_library_logs(log)
    verdicts = VerdictMetrics(registry=None)
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])

    def exposed() -> bytes:
        verdicts.stand(bouncers)
        return expose(folder, settings.agent)

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
            metrics=WebMetrics(registry=None),
            expose=exposed,
        ),
        ForwardAuth(bouncers, verdicts).routes(),
    )
    site.health.bouncers = bouncers.health
    return site


def _allow_many_connections() -> None:
    """Each connection is a descriptor, and the usual limit of 1,024 is for people at a shell."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if 0 <= hard < _MOST_DESCRIPTORS else _MOST_DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
