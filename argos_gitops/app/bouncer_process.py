"""Keeps the decisions of all edges: `python -m argos_gitops.app.bouncer_process CHANNEL KEEP KEPT READER…`.

It asks each LAPI, and makes known to its readers what they answer by. Nobody can ask it anything.
"""

import selectors
import signal
import socket
import sys
import time
from dataclasses import asdict
from functools import partial

from argos_gitops.app.bouncers import OpenBouncers, configs_of
from argos_gitops.app.channel import Channel
from argos_gitops.app.last_known import LastKnown
from argos_gitops.app.verdict_feed import Feed
from argos_gitops.supervision.supervised import supervised_threads

_TICK_SECONDS = 1.0


def main() -> None:
    """Runs until the agent says so (SIGTERM) or is gone. Ctrl-C is for the agent to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel, keeping, kept, *readers = (socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:])
    agent = Channel(channel)
    first = agent.first()
    if first is None:
        return
    channel.setblocking(False)
    feed = Feed(readers, LastKnown(keeping, kept))
    bouncers = OpenBouncers(feed)
    bouncers.configure(configs_of(first["configuration"].get("bouncers", {})))
    _follow(agent, bouncers)
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ, partial(_hear, agent, bouncers))
        for reader in readers:
            selector.register(reader, selectors.EVENT_READ, partial(feed.hear, reader))
        _serve(selector, agent, feed, bouncers, first["beat_seconds"])


def _serve(
    selector: selectors.BaseSelector,
    agent: Channel,
    feed: Feed,
    bouncers: OpenBouncers,
    beat_seconds: float,
) -> None:
    beaten = 0.0
    while not agent.gone:
        now = time.monotonic()
        if now - beaten >= beat_seconds:
            beaten = now
            agent.beat(threads=[asdict(each.state()) for each in supervised_threads()])
        for name, bouncer in bouncers.all().items():
            feed.health(name, bouncer.health())  # also of one whose thread has ended
        feed.catch_up()
        for key, _ in selector.select(min(_TICK_SECONDS, beat_seconds)):
            key.data()


def _hear(agent: Channel, bouncers: OpenBouncers) -> None:
    agent.receive()
    _follow(agent, bouncers)


def _follow(agent: Channel, bouncers: OpenBouncers) -> None:
    for message in agent.messages():
        bouncers.configure(configs_of(message["configuration"]["bouncers"]))


if __name__ == "__main__":
    main()
