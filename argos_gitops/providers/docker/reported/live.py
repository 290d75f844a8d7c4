"""One report, as a live state: whole for whoever wants to read it, in part for comparing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from argos_gitops.model.containers import Container
from argos_gitops.model.objects import LiveObject, ManagedObject, ObjectSet, digest_of
from argos_gitops.model.plan import Failure
from argos_gitops.ports.reports import HostReport
from argos_gitops.providers.docker.observe import named_by, service_id
from argos_gitops.providers.docker.reported.comparing import beside
from argos_gitops.providers.docker.reported.containers import content_of, grouped
from argos_gitops.providers.docker.reported.expectation import Content

_SKEWED = timedelta(seconds=60)


@dataclass(frozen=True)
class ReportedLive:
    """Implements ports.provider.LiveState and Partial. `looping` are names of containers."""

    report: HostReport
    looping: frozenset[str] = frozenset()

    @property
    def fingerprint(self) -> str:
        return digest_of([self.report.content, sorted(self.looping)])

    @property
    def notices(self) -> Sequence[Failure]:
        skew = self.report.clock_skew
        if abs(skew) < _SKEWED:
            return ()
        way = "ahead of" if skew > timedelta() else "behind"
        minutes = max(1, round(abs(skew).total_seconds() / 60))
        return (
            Failure("ClockSkewed", f"its clock is about {minutes:,} min {way} ours; let it keep time by NTP"),
        )

    @cached_property
    def objects(self) -> Mapping[str, LiveObject]:
        """Every service of every project on the host, with all that is told of it."""
        return {
            service_id(*place): LiveObject(service_id(*place), self._content(place, group), owned=False)
            for place, group in grouped(self.report.containers).items()
        }

    def beside(self, objects: ObjectSet) -> Mapping[str, LiveObject]:
        """What no file of a Stack names is its Stack's all the same, and too much."""
        owners = {named_by(each.id)[0]: each.owner for each in objects.values()}
        named = {each.content["container"]: named_by(each.id) for each in objects.values() if _claims(each)}
        found = {}
        for place, group in grouped(self.report.containers, named).items():
            object_id = service_id(*place)
            wanted, owner = objects.get(object_id), owners.get(place[0])
            content = self._content(place, group) if wanted is None else self._compared(wanted, group)
            found[object_id] = LiveObject(object_id, content, owned=owner is not None, owner=owner)
        return found

    def group(self, object_id: str) -> Sequence[Container]:
        """The containers of a service, by their labels."""
        return grouped(self.report.containers).get(named_by(object_id), ())

    def _content(self, place: tuple[str, str], group: Sequence[Container]) -> Content:
        return content_of(*place, group, self.looping)

    def _compared(self, wanted: ManagedObject, group: Sequence[Container]) -> Content:
        """What stands as it stands is held against nothing: its Stack could not be worked out."""
        if "unreported" in wanted.content:
            content: Content = wanted.content
            return content
        return beside(wanted.content, group, self.looping)


def _claims(managed: ManagedObject) -> bool:
    return bool(managed.content.get("container"))
