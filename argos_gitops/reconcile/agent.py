"""The agent: a keeper, a worker for each target, and the housekeeping between them."""

import threading
import time
from collections.abc import Mapping

from argos_gitops.model.errors import ArgosError
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.health import Replica
from argos_gitops.reconcile.boundary import contained
from argos_gitops.reconcile.crew import Crew, is_ours
from argos_gitops.reconcile.heartbeats import Heartbeats
from argos_gitops.reconcile.keeper import Keeper
from argos_gitops.reconcile.look import Desired
from argos_gitops.reconcile.worker import Worker
from argos_gitops.supervision.supervised import SupervisedThread

_TICK = 1.0
_SHARE_EVERY = 3.0
_BEAT_EVERY = 5.0


class Agent:
    """Runs until `stop`. Everything that happens outside only ever makes it look again."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._keeper = Keeper(crew, self._publish, self._looked)
        self._heartbeats = Heartbeats(crew)
        self._lock = threading.Lock()
        self._workers: dict[ResourceKey, Worker] = {}
        self._targets: tuple[ResourceKey, ...] = ()
        self._orders = -1
        self._request = 0
        self._shared_at = self._beaten_at = 0.0
        self._started_at = crew.clock.now()
        self._over = threading.Event()
        self._thread = SupervisedThread("housekeeping", self._keep_house, self._over.is_set)

    def start(self) -> None:
        # Whatever was told to no end before is told again: who was to be told may have missed it.
        self._crew.status.set_reported("", None)
        self._request = self._crew.controls.newest_request()
        self._orders = self._crew.controls.version()
        self._keeper.start()
        self._thread.start()

    def look(self) -> None:
        """Something may have changed in git or on a target."""
        self._keeper.look()

    def look_everywhere(self) -> None:
        """The same, and every target is looked at whatever git says."""
        self._keeper.look_everywhere()

    def keep_alive(self) -> None:
        """Tells the systems of our targets that we are alive."""
        self._heartbeats.beat(self._everyone())

    def stop(self, deadline: float) -> bool:
        """Ends passes between two changes; whether all ended by `deadline`, in monotonic seconds."""
        self._over.set()
        self._keeper.stop()
        workers = self._everyone().values()
        for worker in workers:
            worker.stop()
        ended = [worker.join(max(0.0, deadline - time.monotonic())) for worker in workers]
        self._thread.join(max(0.0, deadline - time.monotonic()))
        ended.append(self._keeper.join(max(0.0, deadline - time.monotonic())))
        contained(self._crew.leases.release)
        contained(lambda: self._crew.replicas.forget(self._crew.replica))
        return all(ended)

    def _everyone(self) -> Mapping[ResourceKey, Worker]:
        with self._lock:
            return dict(self._workers)

    def _publish(self, desired: Desired) -> None:
        """A revision came into force, or the same one was read again."""
        self._targets = self._crew.reconciler.targets(desired)
        self._share()
        for worker in self._everyone().values():
            worker.offer(desired)

    def _looked(self, request: int) -> None:
        for worker in self._everyone().values():
            worker.look(request)

    def _finished(self, target: ResourceKey, concerns_others: bool) -> None:
        for key, worker in self._everyone().items():
            if key != target and concerns_others:
                worker.look()
            elif key != target:
                worker.nudge()

    def _keep_house(self) -> None:
        while not self._over.wait(_TICK):
            failure = contained(self._tick)
            if isinstance(failure, Failure):
                self._crew.log.warning("housekeeping_failed", reason=failure.reason, message=failure.message)

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._shared_at >= _SHARE_EVERY:
            self._share()
        self._follow_orders()
        if self._crew.pulse.moved or now - self._beaten_at >= _BEAT_EVERY:
            self._beaten_at = now
            self._beat()

    def _follow_orders(self) -> None:
        """What people asked for in the store: any change is a reason to look, a request to answer too."""
        version, request = self._crew.controls.version(), self._crew.controls.newest_request()
        if (version, request) == (self._orders, self._request):
            return
        self._orders, self._request = version, request
        self._keeper.look_everywhere(request)

    def _share(self) -> None:
        """Starts and stops workers, so that there is one for each target that is ours."""
        self._shared_at = time.monotonic()
        wanted = {str(target): target for target in self._targets if is_ours(target, self._crew.only)}
        try:
            ours = self._crew.leases.share(wanted)
        except ArgosError as error:
            ours = self._crew.leases.held()
            self._crew.log.warning("leases_failed", reason=error.reason, message=str(error))
        self._staff({target for name, target in wanted.items() if name in ours})

    def _staff(self, targets: set[ResourceKey]) -> None:
        with self._lock:
            if self._over.is_set():
                return
            gone = [self._workers.pop(target) for target in set(self._workers) - targets]
            new = [Worker(target, self._crew, self._finished) for target in targets - set(self._workers)]
            self._workers |= {worker.target: worker for worker in new}
        for worker in gone:
            worker.stop()
            self._crew.pulse.forget(str(worker.target))
        for worker in new:
            if self._keeper.in_force is not None:
                worker.offer(self._keeper.in_force)
            self._start(worker)

    def _start(self, worker: Worker) -> None:
        """RuntimeError when there are no more threads; the next share then makes another worker."""
        try:
            worker.start()
        except RuntimeError:
            with self._lock:
                self._workers.pop(worker.target, None)
            raise

    def _beat(self) -> None:
        self._crew.beat()
        self._crew.replicas.beat(
            Replica(
                name=self._crew.replica,
                seen_at=self._crew.clock.now(),
                targets=tuple(sorted(map(str, self._everyone()))),
                subsystems=self._crew.pulse.parts(),
                started_at=self._started_at,
                version=self._crew.version,
            )
        )
