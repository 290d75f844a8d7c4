"""One target of a running agent: a thread that passes over it whenever there is a reason to."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from argos_gitops.model.errors import ArgosError, StalePlanError
from argos_gitops.model.plan import Failure, Plan
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.flapping import Repairs
from argos_gitops.planning.removals import Removals
from argos_gitops.ports.report import ROLLED_BACK, WELL, PassResult
from argos_gitops.ports.store import TargetState
from argos_gitops.reconcile.agenda import Agenda
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.conditions import unready
from argos_gitops.reconcile.crew import Crew
from argos_gitops.reconcile.holds import orders_of
from argos_gitops.reconcile.look import Desired
from argos_gitops.reconcile.parts import Approval, Approve
from argos_gitops.reconcile.rollback import victims, way_back
from argos_gitops.supervision.backoff import Backoff
from argos_gitops.supervision.priority import give_way
from argos_gitops.supervision.supervised import SupervisedThread

RESYNC = timedelta(minutes=10)
"""A pass at least so often, whatever the watches say."""

HELD = timedelta(seconds=30)
"""How soon to look again while something is held back."""

DEPENDENCY = timedelta(seconds=2)
"""How soon to ask again whether the targets that this one depends on are ready."""


Finished = Callable[[ResourceKey, bool], None]
"""Told of a target after each pass over it, and whether others may have to follow what that did."""


class Worker:
    """Whoever calls `offer`, `look` or `stop` never waits; all else happens in the worker's own thread."""

    def __init__(self, target: ResourceKey, crew: Crew, finished: Finished) -> None:
        self.target = target
        self._crew = crew
        self._finished = finished
        self._agenda = Agenda()
        self._backoff = Backoff()
        self._repairs = Repairs()
        self._removals = Removals()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._offered: Desired | None = None
        self._desired: Desired | None = None
        self._back: Desired | None = None
        self._request = 0
        self._asked = False
        self._told: Failure | None = None
        self._stopping = False
        self._thread = SupervisedThread(str(target), self._run, lambda: self._stopping)

    def start(self) -> None:
        self._thread.start()

    def offer(self, desired: Desired) -> None:
        """A revision that comes into force; it supersedes whatever waits or fails."""
        self._offered = desired
        self._wake.set()

    def look(self, request: int = 0) -> None:
        """Look again; `request` is answered once a pass that began after this has ended."""
        with self._lock:
            self._request = max(self._request, request)
            self._asked = True
        self._wake.set()

    def nudge(self) -> None:
        """Something that this target waited for may have come."""
        if self._offered is not None:
            self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        give_way()
        with self._lock:
            self._asked = True  # what was asked for before the thread was restarted
        while not self._stopping:
            failure = contained(self._step)
            if isinstance(failure, Failure):
                self._rest(failure)
            self._wake.wait(self._agenda.wait(time.monotonic()))
            self._wake.clear()
        contained(lambda: self._crew.reconciler.release(self.target))

    def _step(self) -> None:
        """Does what is due now, if anything is."""
        with self._lock:  # before the offer: whoever asks has offered the newest revision already
            request, asked, self._asked = self._request, self._asked, False
        fresh = self._take_offer()
        if self._desired is None:
            self._agenda.pass_in(DEPENDENCY if self._offered else RESYNC, time.monotonic())
            return
        now = time.monotonic()
        if fresh or asked or now >= self._agenda.next_pass or self._anything_moved():
            self._pass(request)

    def _take_offer(self) -> bool:
        """Whether there is something new to try: another revision, or another look at the same."""
        offered = self._offered
        if offered is None or not self._ready_for(offered):
            return False
        with self._lock:
            if self._offered is offered:
                self._offered = None
        known = self._desired
        if known is not None and known.revision.sha == offered.revision.sha:
            self._desired = replace(offered, noticed=known.noticed)
            return False
        self._desired = offered
        self._backoff.reset()
        self._back = self._held_back(offered)
        return True

    def _ready_for(self, offered: Desired) -> bool:
        """Whether every target that this one depends on is healthy at the same revision."""
        resource = offered.state.resources.get(self.target)
        wanted = resource.depends_on if resource is not None else ()
        if not wanted:
            return True
        states = self._crew.status.targets()
        missing = [key for key in wanted if states.get(key, TargetState()).healthy != offered.revision.sha]
        if missing:
            names = ", ".join(map(str, missing))
            why = f"waits until {names} is ready at {offered.revision.short}"
            self._crew.pulse.waits(str(self.target), why, DEPENDENCY)
        return not missing

    def _held_back(self, offered: Desired) -> Desired | None:
        """The older revision, where this target went back from the one that is offered."""
        state = self._state()
        if state.held is None:
            return None
        if state.held == offered.revision.sha and state.healthy is not None:
            return self._reread(state.healthy, instead_of=state.held)
        self._crew.status.set_target(self.target, replace(state, held=None))
        return None

    def _anything_moved(self) -> bool:
        due = self._agenda.due(time.monotonic())
        if not due or self._desired is None:
            return False
        systems = {s.key: s for s in self._crew.reconciler.systems_of(self._desired, self.target)}
        for key, watch in due:
            provider = systems[key].provider if key in systems else None
            if provider is None or provider.moved(watch):
                return True
        return False

    def _pass(self, request: int) -> None:
        desired = self._back or self._desired
        if desired is None:
            return
        self._crew.pulse.begins(str(self.target), f"passes at {desired.revision.short}")
        desired = self._now(desired)
        result = self._over(desired, self._approve)
        if isinstance(result, PassResult) and self._goes_back(desired, result) and self._back is not None:
            # The guard has nothing to say: this is how the target was a moment ago, and whoever chose
            # to go back automatically meant it.
            result = self._over(self._now(self._back), lambda plan: Approval(True, plan.digest))
        self._conclude(result)
        if request:
            self._crew.status.set_target(self.target, replace(self._state(), synced=request))
        self._finished(self.target, _went_back_alone(result))

    def _over(self, desired: Desired, approve: Approve) -> PassResult | Failure:
        def run() -> PassResult:
            return self._crew.reconciler.over(desired, self.target, approve)

        try:
            return contained(run)
        except StalePlanError as error:
            return Failure(error.reason, str(error))

    def _now(self, desired: Desired) -> Desired:
        now = self._crew.clock.now()
        self._repairs.follow(desired.revision.sha)
        return replace(
            desired,
            now=now,
            repairs=self._repairs,
            removals=self._removals,
            orders=orders_of(self._crew.controls, now),
            stopping=lambda: self._stopping,
            superseded=lambda: self._stopping or self._is_superseded(desired),
        )

    def _is_superseded(self, desired: Desired) -> bool:
        offered = self._offered
        return offered is not None and offered.revision.sha not in (desired.revision.sha, desired.instead_of)

    def _approve(self, plan: Plan) -> Approval:
        named = (digest for digest in self._crew.controls.approvals() if plan.digest.startswith(digest))
        return Approval(True, next(named, None) if plan.blocked else None)

    def _goes_back(self, desired: Desired, result: PassResult) -> bool:
        """Whether this revision failed its probes, and there is a healthy one to go back to."""
        if desired.agent.rollback != "automatic" or desired.instead_of is not None:
            return False
        failing = victims(result, desired.unready)
        state = self._state()
        healthy = way_back(state, desired.revision.sha)
        if not failing or healthy is None:
            return False
        self._back = self._reread(healthy, instead_of=desired.revision.sha)
        if self._back is None:
            return False
        why = f"{failing[0].subject}: {failing[0].reason} {failing[0].message}"
        self._crew.log.warning("rolled_back", target=str(self.target), to=healthy[:7], why=why)
        self._crew.went_back(self.target, healthy, why)
        self._crew.status.set_target(self.target, replace(state, held=desired.revision.sha))
        return True

    def _reread(self, sha: str, instead_of: str) -> Desired | None:
        try:
            return replace(self._crew.reconciler.reread(sha), instead_of=instead_of)
        except ArgosError as error:
            self._crew.log.warning("cannot_go_back", to=sha[:7], reason=error.reason, message=str(error))
            return None

    def _conclude(self, result: PassResult | Failure) -> None:
        """Plans the next pass by how this one ended."""
        if isinstance(result, Failure):
            self._rest(result)
            return
        self._crew.passed(result)
        if result.outcomes:
            facts = {"result": result.own_result, "changes": len(result.outcomes)}
            self._crew.log.info("passed", target=str(self.target), **facts)
        state = result.targets[self.target]
        self._tell_lag(state)
        if self._desired is not None and self._desired.events:
            self._desired = replace(self._desired, events=())  # what was noticed on the way is told once
        if result.own_result not in WELL:
            self._rest(Failure(state.result, state.message or state.result))
        elif self._unwell(result):
            pause = self._pause()
            self._crew.pulse.failed(str(self.target), f"{state.result}: not everything is ready", pause)
        else:
            self._backoff.reset()
            self._told = None
            pause = self._until_next(result)
            self._agenda.pass_in(pause, time.monotonic())
            self._crew.pulse.went_well(str(self.target), pause, state.message)
        self._watch()

    def _tell_lag(self, state: TargetState) -> None:
        """Once for each revision: how long it took from hearing of it to having applied it."""
        desired = self._desired
        if desired is not None and desired.noticed is not None and state.applied == desired.revision.sha:
            self._crew.applied(time.monotonic() - desired.noticed)
            self._desired = replace(desired, noticed=None)

    def _unwell(self, result: PassResult) -> bool:
        mine = {key for key in unready(result.conditions) if key not in result.elsewhere}
        held = () if result.plan is None else result.plan.held()
        waiting = {"Suspended", "Waiting", *(each.reason for _, each in held)}
        return bool(mine - {c.subject for c in result.conditions if c.reason in waiting})

    def _until_next(self, result: PassResult) -> timedelta:
        held = () if result.plan is None else result.plan.held()
        waiting = [each.until for _, each in held if not each.intended]
        ends = [*waiting, self._crew.reconciler.renewal_of(self.target)]
        left = [until - self._crew.clock.now() for until in ends if until is not None]
        return max(timedelta(seconds=1), min([HELD if waiting else RESYNC, *left]))

    def _rest(self, failure: Failure) -> None:
        pause = self._pause()
        self._crew.pulse.failed(str(self.target), f"{failure.reason}: {failure.message}", pause)
        if failure != self._told:
            self._told = failure
            facts = {"reason": failure.reason, "message": failure.message}
            self._crew.log.warning("pass_failed", target=str(self.target), **facts)

    def _pause(self) -> timedelta:
        pause = self._backoff.failed()
        self._agenda.pass_in(pause, time.monotonic(), backoff=True)
        return pause

    def _watch(self) -> None:
        desired = self._back or self._desired
        if desired is None:
            return
        systems = self._crew.reconciler.systems_of(desired, self.target)
        watches = ((system.key, watch) for system in systems for watch in system.provider.watches())
        self._agenda.watch(watches, desired.agent.drift.intervals, time.monotonic())

    def _state(self) -> TargetState:
        return self._crew.status.targets().get(self.target, TargetState())


def _went_back_alone(result: PassResult | Failure) -> bool:
    """Whether a resource went back by itself just now, so that what follows from it does, too."""
    return isinstance(result, PassResult) and result.own_result == ROLLED_BACK and bool(result.outcomes)
