"""The composition of a running agent: the passes, the front, and whatever happens on a timetable."""

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import FrameType

from argos_gitops import __version__
from argos_gitops.app import actor
from argos_gitops.app.application import Application
from argos_gitops.app.bouncers import bouncers_of, message_of
from argos_gitops.app.collector import collect_and_set_aside
from argos_gitops.app.docker_agents import DockerAgents
from argos_gitops.app.front import Front
from argos_gitops.app.log import Log, adopt_library_logs
from argos_gitops.app.measuring import agent_metrics
from argos_gitops.app.schedules import Schedules
from argos_gitops.app.upkeep import plan_pull_requests, timetable_of
from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.ports.audit import AuditEntry
from argos_gitops.ports.control import AGENT
from argos_gitops.ports.job import Job, JobReport
from argos_gitops.ports.provider import Target
from argos_gitops.ports.report import Reporter
from argos_gitops.reconcile.agent import Agent
from argos_gitops.reconcile.crew import Crew
from argos_gitops.reconcile.deferred import Deferred
from argos_gitops.reconcile.look import Desired
from argos_gitops.reconcile.pulse import Pulse
from argos_gitops.scheduling.timetable import Timetable
from argos_gitops.sources.watch import Watcher, watchable
from argos_gitops.supervision.supervised import supervised_threads, threads_subsystem

DRAIN = timedelta(seconds=9)
"""How long the end may take; service managers give ten seconds before they kill."""

_HEARTBEAT_EVERY = timedelta(minutes=1)
"""`cscli machines prune` deletes machines that were not heard of for ten minutes."""
_LISTEN_SECONDS = 1.0
"""Python runs the handler of a signal in the main thread, when that wakes. The kernel may give the signal to
another one: so it does where the main thread was stopped (SIGSTOP) and continued just before."""

_FRONT_SHARE = 2.0
_TELLING_SHARE = 2.5


class RunningAgent:
    """One process of `argos-gitops run`, from its start until a signal ends it."""

    def __init__(self, application: Application, environment: Mapping[str, str]) -> None:
        self._application = application
        self._environment = environment
        self._log = Log(application.settings.log_format)
        self._pulse = Pulse(application.clock)
        self._deferred: dict[str, Deferred] = {}
        self._over = threading.Event()
        self._front: Front | None = None
        self._agent: Agent | None = None
        self._watcher: Watcher | None = None
        self._timetable: Timetable | None = None
        self._schedules: Schedules | None = None
        self._sha = ""
        self._spec = AgentSpec()
        self._asking: Mapping[str, object] | None = None
        self._plans_pulls = False

    def run(self) -> bool:
        """Runs until SIGTERM or SIGINT; whether everything ended in time. SIGHUP makes it look again.

        Raises SettingsError or StoreError when it cannot begin.
        """
        gc.enable()
        gc.set_threshold(50_000, 20, 50)
        adopt_library_logs(self._log)
        self._application.actor = actor.agent(self._application.settings.instance)
        self._application.deferral = self._defer
        self._begin()
        while not self._over.wait(_LISTEN_SECONDS):
            continue
        self._log.info("stopping")
        return self._end()

    def _begin(self) -> None:
        application = self._application
        self._metrics = agent_metrics(application.settings.state_dir / "metrics")
        known = application.remembered_targets()  # the store's schema is ours to bring up to date, so first
        self._docker_agents = DockerAgents(application.reports, lambda: self._spec.reports.stale_after)
        if application.settings.listen is not None:
            measured = self._metrics.exposition
            self._front = Front(application.settings, self._environment, self._heard, self._log, measured)
            self._front.start()
            self._front.configure({"replica": application.replica})
            self._tell_stale_after()
            self._configure_front(known)
        self._timetable = timetable_of(application, lambda: self._spec.retention, self._log)
        self._schedules = Schedules(application, self._timetable, self._job_ran, self._over.is_set)
        self._agent = Agent(self._crew())
        self._timetable.every(_HEARTBEAT_EVERY, self._agent.keep_alive, name="heartbeat")
        for number, handler in self._handlers().items():
            signal.signal(number, handler)
        application.notifications.start()
        self._agent.start()
        self._watcher = self._watch_folder()
        self._timetable.start()
        self._log.info("started", instance=application.settings.instance, replica=application.replica)

    def _watch_folder(self) -> Watcher | None:
        """A repository that is a folder here tells by itself that it changed."""
        folders = watchable(self._application.source_request)
        if not folders:
            return None
        settings = self._application.settings
        watcher = Watcher(folders, self._look, self._log, (settings.state_dir, settings.cache_dir))
        watcher.start()
        return watcher

    def _crew(self) -> Crew:
        application = self._application
        return Crew(
            reconciler=application.reconciler,
            status=application.statuses,
            controls=application.controls,
            replicas=application.replicas,
            leases=application.leases,
            clock=application.clock,
            pulse=self._pulse,
            log=self._log,
            replica=application.replica,
            version=__version__,
            only=application.settings.targets,
            in_force=self._in_force,
            applied=self._metrics.applied,
            passed=self._metrics.report,
            went_back=self._went_back,
            beat=self._beat,
        )

    def _handlers(self) -> Mapping[int, Callable[[int, FrameType | None], None]]:
        def end(number: int, frame: FrameType | None) -> None:
            self._over.set()

        def look(number: int, frame: FrameType | None) -> None:
            # In a thread: a handler runs between two instructions of ours, perhaps within a lock.
            threading.Thread(target=self._look_everywhere, daemon=True).start()

        return {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: look}

    def _look_everywhere(self) -> None:
        if self._agent is not None:
            self._agent.look_everywhere()

    def _heard(self, why: str) -> None:
        self._log.info("asked_to_look", why=why)
        self._look()

    def _look(self) -> None:
        if self._agent is not None:
            self._agent.look()

    def _end(self) -> bool:
        """In the order of who might still ask whom; whatever does not end in time is left behind."""
        deadline = time.monotonic() + DRAIN.total_seconds()
        if self._watcher is not None:
            self._watcher.stop()
        if self._timetable is not None:
            self._timetable.stop()
        if self._front is not None:
            self._front.stop(_FRONT_SHARE)
        ended = self._agent is None or self._agent.stop(deadline - _TELLING_SHARE)
        for deferred in self._deferred.values():
            deferred.stop(deadline)
        ended = self._application.notifications.stop(max(0.0, deadline - time.monotonic())) and ended
        self._log.info("stopped", everything_ended=ended)
        return ended

    def _defer(self, name: str, reporter: Reporter) -> Reporter:
        """Slow places are told in a thread of their own."""
        if name not in self._deferred:
            self._deferred[name] = Deferred(name, reporter, self._pulse, self._log)
            self._deferred[name].start()
        return self._deferred[name]

    def _in_force(self, desired: Desired) -> None:
        self._metrics.phases(desired.durations)
        kinds = {spec.target_kind for spec in self._application.specs}
        self._configure_front(
            {each.key: each for kind in kinds for each in desired.state.resources.of_kind(kind).values()}
        )
        if desired.revision.sha == self._sha:
            return
        self._sha, self._spec = desired.revision.sha, desired.agent
        self._application.loader.keep()
        self._application.notifications.configure(desired.state.resources)
        self._tell_stale_after()
        self._plan_pull_requests()
        if self._schedules is not None:
            for name in self._schedules.follow(desired):
                self._pulse.forget(name)
        collect_and_set_aside()

    def _job_ran(self, job: Job, report: JobReport, seconds: float) -> None:
        """What a job did is told with the next pass, which also sees to what it changed."""
        facts = {"job": job.name, "result": report.reason, "message": report.message}
        self._log.info("job_ran", **facts)
        self._metrics.job(job, report, seconds, self._application.now())
        self._look_everywhere()

    def _plan_pull_requests(self) -> None:
        forge = self._spec.forge
        if forge is not None and forge.plans and self._timetable is not None and not self._plans_pulls:
            self._plans_pulls = True
            plan_pull_requests(self._application, self._timetable)

    def _tell_stale_after(self) -> None:
        if self._front is not None:
            self._front.configure({"stale_after": self._spec.reports.stale_after.total_seconds()})

    def _configure_front(self, targets: Mapping[ResourceKey, AnyResource]) -> None:
        if self._front is None:
            return
        application = self._application
        found = bouncers_of(map(Target, targets.values()), application.specs, application.secrets)
        asking = message_of(found)  # each time anew: a key in a file may have been replaced
        if asking != self._asking:
            self._asking = asking
            self._front.configure({"bouncers": asking})

    def _went_back(self, target: ResourceKey, revision: str, why: str) -> None:
        entry = AuditEntry(
            at=self._application.now(),
            actor=self._application.actor,
            action="rollback",
            outcome="done",
            cause="probes failed",
            revision=revision,
            target=str(target),
            message=why,
        )
        self._application.audit.append([entry])

    def _beat(self) -> None:
        now = self._application.now()
        self._metrics.beat(now)
        self._metrics.queue("notifications", self._application.notifications.depth())
        self._pulse.tell(self._application.notifications.subsystem())
        self._pulse.tell(threads_subsystem())
        kept = self._front.threads() if self._front is not None else ()
        self._metrics.threads([*(thread.state() for thread in supervised_threads()), *kept])
        for subsystem in self._timetable.subsystems() if self._timetable is not None else ():
            self._pulse.tell(subsystem)
        if self._front is not None:
            self._metrics.processes(self._front.processes())
            for subsystem in self._front.subsystems():
                self._pulse.tell(subsystem)
        for name, deferred in self._deferred.items():
            self._metrics.queue(name, deferred.depth())
        self._tell_docker_agents(now)
        suspensions = self._application.controls.suspensions()
        self._metrics.suspended(any(each.subject == AGENT for each in suspensions))

    def _tell_docker_agents(self, now: datetime) -> None:
        self._docker_agents.look(now)
        self._metrics.docker_hosts(self._docker_agents.counts)
        if (subsystem := self._docker_agents.subsystem()) is not None:
            self._pulse.tell(subsystem)


def leave(ended: bool) -> None:
    """Ends the process at once where a thread of it would not end: it may be killed anywhere."""
    if not ended:
        os._exit(1)
