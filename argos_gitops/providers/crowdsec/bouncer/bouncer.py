"""The bouncer of one edge: a thread that keeps the mirror, and makes known what is in it."""

import math
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from argos_gitops.model.errors import ProviderError
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.health import Subsystem
from argos_gitops.ports.verdict import BouncerConfig, Publisher, Standing, Usage, UsageSource
from argos_gitops.providers.crowdsec.bouncer.mirror import Mirror
from argos_gitops.providers.crowdsec.bouncer.publication import Publication
from argos_gitops.providers.crowdsec.bouncer.stream import DecisionStream
from argos_gitops.providers.crowdsec.bouncer.usage import UsageReporter
from argos_gitops.providers.crowdsec.tls import NO_TLS, Tls
from argos_gitops.supervision.backoff import doubled
from argos_gitops.supervision.supervised import SupervisedThread, place_of

_LONGEST_PAUSE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Orders:
    """A configuration as this bouncer understands it; times are in seconds."""

    lapi_url: str
    key: SecretValue | None
    problem: str
    closed: bool
    poll_interval: float
    away_after: float
    tls: Tls = NO_TLS
    report_seconds: float | None = None
    """Between two reports of usage, where that is not the usual quarter of an hour."""

    @classmethod
    def of(cls, config: BouncerConfig) -> "Orders":
        options = config.options
        return cls(
            lapi_url=options["lapi_url"],
            key=config.key,
            problem=config.problem,
            closed=options["fail_mode"] == "closed",
            poll_interval=float(options["poll_interval"]),
            away_after=float(options["away_after"]),
            tls=Tls(options.get("ca", ""), options.get("cert", ""), config.secrets.get("tls_key")),
            report_seconds=float(options["report_seconds"]) if "report_seconds" in options else None,
        )

    def same_source(self, other: "Orders") -> bool:
        return (self.lapi_url, self.key, self.tls) == (other.lapi_url, other.key, other.tls)


class LapiBouncer:
    """Keeps the decisions of one edge, and makes them known to those who answer. For any thread.

    What the process before this one made known goes on being answered by, until LAPI was heard once.
    `answered` counts what was answered.
    """

    def __init__(self, config: BouncerConfig, publisher: Publisher, answered: UsageSource) -> None:
        self._orders = Orders.of(config)
        self._mirror = Mirror()
        self._publisher = publisher
        self._publication = Publication(self._mirror.index, publisher)
        self._mirror.meanwhile = self._publication.meanwhile
        self._kept = publisher.kept()
        if self._kept is not None:
            self._mirror.fresh_at = self._kept.fresh_at
            self._publication.hold()
        self._answered = answered
        self._error = ""
        self._not_opened = ""
        self._not_reported = ""
        self._last_look: float | None = None
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._thread = SupervisedThread(f"bouncer {self._orders.lapi_url}", self._run, self._closed.is_set)
        self._thread.start()

    def configure(self, config: BouncerConfig) -> None:
        """A key that is missing now changes nothing: the one in use goes on being used."""
        orders = Orders.of(config)
        if orders.key is None:
            return
        if not orders.same_source(self._orders):
            self._mirror.distrust()
        self._orders = orders
        self._wake.set()

    def usage(self) -> Usage:
        """What was answered by these decisions, in all processes together."""
        return replace(self._answered.usage(), active=self._mirror.index.active())

    def health(self) -> Subsystem:
        thread = self._thread.state()
        error = f"its thread ended: {thread.error or 'unknown'}" if thread.failing else self._error
        state = "ok" if time.monotonic() < self._fresh_until and not error else "failing"
        if not error and self._not_reported:
            error = f"verdicts are right, but LAPI did not take the usage metrics: {self._not_reported}"
        return Subsystem(
            name="",
            state=state,
            last_run=_wall_time(self._last_look),
            last_success=_wall_time(self._mirror.fresh_at),
            error=error,
            detail=f"{self.decisions:,} decisions in memory",
        )

    @property
    def decisions(self) -> int:
        return len(self._mirror.index) if self._kept is None else self._kept.decisions

    def close(self) -> None:
        """Waits for nothing: the thread ends with the look that it is at."""
        self._closed.set()
        self._wake.set()

    @property
    def _fresh_until(self) -> float:
        fresh_at = self._mirror.fresh_at
        return -math.inf if fresh_at is None else fresh_at + self._orders.away_after

    def _run(self) -> None:
        """Looks until it is closed; while LAPI fails the looks become rarer."""
        stream: DecisionStream | None = None
        reporter = UsageReporter(
            self,
            lambda report: stream is not None and stream.tell_usage(report),
            seconds=self._orders.report_seconds,
        )
        used, failures = self._orders, 0
        self._mirror.distrust()
        try:
            while not self._closed.is_set():
                orders = self._orders
                if stream is None or not orders.same_source(used):
                    stream, used = self._reopened(stream, orders), orders
                failures = 0 if self._look(stream, orders) else failures + 1
                self._publication.publish()
                self._publisher.stands(self._standing(orders))
                if stream is not None and not failures:
                    reporter.report_if_due()
                    self._not_reported = reporter.error
                self._wake.wait(pause_after(failures, orders.poll_interval))
                self._wake.clear()
        finally:
            if stream is not None:
                stream.close()

    def _standing(self, orders: Orders) -> Standing:
        fresh_at = self._mirror.fresh_at
        return Standing(fresh_at, orders.away_after, orders.closed, self.decisions, self.health())

    def _reopened(self, stream: DecisionStream | None, orders: Orders) -> DecisionStream | None:
        """None when there is no key, or when key or certificates cannot be used."""
        self._not_opened = ""
        if stream is not None:
            stream.close()
        if orders.key is None:
            return None
        try:
            return DecisionStream(orders.lapi_url, orders.key, tls=orders.tls)
        except ProviderError as error:
            self._not_opened = str(error)
        except ValueError:
            self._not_opened = "the bouncer's key holds characters that no key has; see `cscli bouncers list`"
        return None

    def _look(self, stream: DecisionStream | None, orders: Orders) -> bool:
        """Whether it went well."""
        self._last_look = time.monotonic()
        if stream is None:
            self._error = self._not_opened or orders.problem
            return False
        try:
            self._mirror.look(stream)
        except ProviderError as error:
            self._error = str(error)
            return False
        except Exception as error:  # noqa: BLE001 # whatever an answer holds, the next look comes
            self._error = f"unexpected {type(error).__name__} at {place_of(error)}; please report it"
            return False
        self._error = ""
        self._kept = None
        self._publication.release()
        return True


def pause_after(failures: int, poll_interval: float) -> float:
    """Seconds until the next look, after so many failures in a row: doubled with each, half a minute at
    most, and never less than the interval."""
    first = timedelta(seconds=poll_interval)
    return doubled(first, failures, max(_LONGEST_PAUSE, first)).total_seconds()


def _wall_time(moment: float | None) -> datetime | None:
    """A moment of the monotonic clock as people tell it."""
    if moment is None:
        return None
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - moment)
