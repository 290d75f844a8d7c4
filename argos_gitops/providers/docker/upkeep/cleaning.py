"""The job that cleans one Docker host up: looks, decides, and removes one by one just what was decided."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from argos_gitops.model.errors import ProviderError, TransientError
from argos_gitops.model.resource import ResourceSet
from argos_gitops.ports.job import Deed, JobReport, Occasion
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.engine.answers import CONFLICT, IN_USE
from argos_gitops.providers.docker.engine.client import Document, EngineClient
from argos_gitops.providers.docker.kinds import NetworkSpec, StackSpec
from argos_gitops.providers.docker.schedules import CleanUp
from argos_gitops.providers.docker.upkeep.sizes import told_size
from argos_gitops.providers.docker.upkeep.surplus import (
    Holdings,
    Named,
    Surplus,
    canonical,
    moment_of,
    stopped,
    surplus_of,
)


def clean(wanted: CleanUp, client: EngineClient, named: Named, occasion: Occasion) -> JobReport:
    """One run on one host. What was removed is told even where the run had to stop."""
    found = surplus_of(wanted, _holdings(wanted, client), named, occasion.now)
    if wanted.mode == "report":
        return _report("WouldFree", "would free", found, [_told(each) for each in found])
    done: list[tuple[Surplus, Deed]] = []
    error = _removed(found, client, occasion, done)
    gone = [each for each, deed in done if deed.outcome == "done"]
    stay = [f"{_told(each)} stays: {deed.message}" for each, deed in done if deed.outcome != "done"]
    deeds = tuple(deed for _, deed in done)
    report = _report("Freed", "freed", gone, [*(_told(each) for each in gone), *stay], deeds)
    if error is None:
        return report
    return JobReport(error.reason, f"{error}; {report.message}", False, report.details, deeds)


def named_on(host: str, resources: ResourceSet, context: ProviderContext) -> Named:
    """What stays whatever it looks like; raises ComposeError where a Stack cannot be read."""
    stacks = [each for each in resources.of(StackSpec).values() if each.spec.host == host]
    networks = [each for each in resources.of(NetworkSpec).values() if each.spec.host == host]
    renderer = ComposeRenderer(context)
    models = [renderer.render(stack).model for stack in stacks]
    shared = (each.spec.name or each.name for each in networks)
    return Named(
        projects=frozenset(project_of(stack) for stack in stacks),
        networks=frozenset([*shared, *_called(models, "networks")]),
        volumes=frozenset(_called(models, "volumes")),
        images=frozenset(filter(None, map(canonical, _images(models)))),
    )


def _called(models: Sequence[Mapping[str, Any]], section: str) -> Iterator[str]:
    for model in models:
        for each in (model.get(section) or {}).values():
            if (each or {}).get("name"):
                yield each["name"]


def _images(models: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    services = (service for model in models for service in (model.get("services") or {}).values())
    return (service["image"] for service in services if service.get("image"))


def _holdings(wanted: CleanUp, client: EngineClient) -> Holdings:
    """Asks only for what may go; containers always, as the rest depends on them."""
    containers = client.sized_containers() if wanted.stopped_containers else client.containers()
    return Holdings(
        containers=containers,
        images=client.images() if wanted.images != "none" else (),
        networks=client.networks() if wanted.networks else (),
        volumes=client.volumes() if wanted.volumes else (),
        build_cache=client.build_cache() if wanted.build_cache is not None else (),
        ended=dict(_endings(containers, client)) if wanted.stopped_containers is not None else {},
    )


def _endings(containers: Sequence[Document], client: EngineClient) -> Iterator[tuple[str, datetime]]:
    """One that never ran counts from when it was made."""
    for each in filter(stopped, containers):
        document = client.container(each["Id"]) or {}
        ended = moment_of((document.get("State") or {}).get("FinishedAt"))
        ended = ended or moment_of(document.get("Created"))
        if ended is not None:
            yield each["Id"], ended


def _removed(
    found: Sequence[Surplus], client: EngineClient, occasion: Occasion, done: list[tuple[Surplus, Deed]]
) -> TransientError | None:
    """Adds what became of each to `done`; the error at which it had to stop."""
    removals: Mapping[str, Callable[[str], None]] = {
        "container": client.remove,
        "network": client.remove_network,
        "image": client.remove_image,
        "volume": client.remove_volume,
        "build cache": client.remove_build_cache,
    }
    for each in found:
        try:
            occasion.go_on()
            for handle in each.handles:
                removals[each.kind](handle)
        except TransientError as error:
            return error
        except ProviderError as error:
            used = error.reason in (CONFLICT, IN_USE)
            outcome, why = ("skipped", "it is in use after all") if used else ("failed", str(error))
            done.append((each, Deed("delete", f"{each.kind}/{each.name}", outcome, why)))
        else:
            done.append((each, Deed("delete", f"{each.kind}/{each.name}", message=told_size(each.size))))
    return None


def _report(
    reason: str, verb: str, found: Sequence[Surplus], details: Sequence[str], deeds: Sequence[Deed] = ()
) -> JobReport:
    if not found and not details:
        return JobReport("NothingToFree", "nothing is there that nothing needs")
    counts = Counter(each.kind for each in found)
    told = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items())
    message = f"{verb} {told_size(sum(each.size for each in found))}" + (f": {told}" if told else "")
    failed = any(deed.outcome == "failed" for deed in deeds)
    return JobReport("CleanUpFailed" if failed else reason, message, not failed, details, deeds)


def _told(each: Surplus) -> str:
    size = f" ({told_size(each.size)})" if each.size else ""
    return f"{each.kind} {each.name}{size}"
