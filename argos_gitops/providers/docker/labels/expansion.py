"""Stacks with `routes: fromLabels` → Hosts and Services, and every label that cannot be one."""

from collections.abc import Iterator
from functools import partial

from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import AnyResource, Resource, ResourceKey, ResourceSet
from argos_gitops.ports.provider import Expansion, Target
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.labels.entrypoints import (
    considered,
    default_rule,
    exposed_by_default,
    unlabelled,
)
from argos_gitops.providers.docker.labels.joining import EdgeRoutes, Labels
from argos_gitops.providers.docker.labels.label import Complaints, LabelCode, RefusedError
from argos_gitops.providers.docker.labels.passed_over import of_other_proxies, without_routes
from argos_gitops.providers.docker.labels.reach import Ways
from argos_gitops.providers.docker.labels.reading import Labelled, labels_of, read_service
from argos_gitops.providers.docker.labels.static import Configuration
from argos_gitops.providers.docker.labels.traefiks import Traefiks
from argos_gitops.providers.docker.settings import DockerSettings

Stack = Resource[StackSpec]
_EDGE, _HOST = "Edge", "DockerHost"


def routes_from_labels(resources: ResourceSet, renderer: ComposeRenderer) -> Expansion:
    """Documents of all Stacks that ask for it. Stacks that Compose refuses are told as such."""
    complaints = Complaints()
    edges: dict[str, EdgeRoutes] = {}
    traefiks = Traefiks(resources, renderer)
    for stack in resources.of(StackSpec).values():
        if stack.spec.routes == "fromLabels":
            with complaints.heard():
                edge = _edge_of(stack, resources)
                routes = edges.setdefault(edge.name, EdgeRoutes(edge.name, _redirects(edge), complaints))
                traefik = traefiks.of(stack)
                labels = _labels(stack, _rendered(stack, renderer), resources, complaints, traefik)
                routes.add(labels)
                complaints.warnings.extend(without_routes(stack, labels.services))
    complaints.warnings.extend(traefiks.warnings())
    documents = [document for _, routes in sorted(edges.items()) for document in routes.documents()]
    return Expansion(
        documents=documents, problems=tuple(complaints.problems), warnings=tuple(complaints.warnings)
    )


def _rendered(stack: Stack, renderer: ComposeRenderer) -> Rendered:
    try:
        return renderer.render(stack)
    except ComposeError as error:
        raise RefusedError(*error.problems) from error


def _edge_of(stack: Stack, resources: ResourceSet) -> AnyResource:
    edges = resources.of_kind(_EDGE)
    named = stack.spec.edge
    edge = edges.get(named) if named is not None else next(iter(edges.values()), None)
    if edge is None or (named is None and len(edges) > 1):
        found = f"there are {', '.join(edges)}" if edges else "there is no Edge"
        message = f"{stack.key}: routes fromLabels needs an Edge to serve them, and {found}; say `edge`"
        raise RefusedError(Problem(stack.location, "EdgeUnclear", message))
    return edge


def _redirects(edge: AnyResource) -> bool:
    return bool(getattr(getattr(edge.spec, "caddy", None), "redirect_http", True))


def _labels(
    stack: Stack,
    rendered: Rendered,
    resources: ResourceSet,
    complaints: Complaints,
    traefik: Configuration | None,
) -> Labels:
    spec = stack.spec
    services = tuple(_services(stack, rendered, complaints, traefik))
    host = resources.get(ResourceKey(_HOST, spec.host))
    section = Target(host).section("docker", DockerSettings) if host is not None else None
    ways = Ways(
        spec.reach == "published",
        section.published_address if section is not None else None,
        f"{_HOST}/{spec.host}",
        rendered.project,
        rendered.services,
    )
    return Labels(stack.name, services, spec.entry_points, ways, spec.bouncer, traefik)


def _services(
    stack: Stack, rendered: Rendered, complaints: Complaints, traefik: Configuration | None
) -> Iterator[Labelled]:
    """The services that Traefik would look at."""
    for name, service in rendered.services.items():
        labels = labels_of(service, f"service {name} of {stack.key}", partial(_place, rendered, name))
        found = read_service(name, service, labels, complaints)
        complaints.warnings.extend(
            of_other_proxies(
                service, f"service {name} of {stack.key}", partial(rendered.place, "services", name)
            )
        )
        with complaints.heard():
            if traefik is not None and not considered(traefik, service.get("labels") or {}):
                continue
            if _counts(found, stack, traefik):
                _with_default_router(found, rendered.project, traefik)
                yield found
            elif traefik is not None and found.enabling is None and _exposed(stack, traefik):
                complaints.warnings.extend(unlabelled(traefik, f"service {name} of {stack.key}"))
        with complaints.heard():
            _no_swarm_labels(name, service, stack, rendered)


def _place(rendered: Rendered, service: str, key: str) -> Location:
    return rendered.place("services", service, "labels", key)


def _with_default_router(found: Labelled, project: str, traefik: Configuration | None) -> None:
    """Traefik makes a router of its default rule where no label makes one."""
    if traefik is not None and not found.routers and len(found.services) < 2:
        rule = default_rule(traefik, found.service, found.name, project)
        if rule is not None:
            found.routers[f"{found.name}-{project}"] = {"rule": rule}


def _counts(found: Labelled, stack: Stack, traefik: Configuration | None) -> bool:
    label = found.configured
    ruled = traefik is not None and "providers.docker.defaultrule" in traefik.options
    if found.enabling is not None:
        if found.enabled and label is None and not ruled:
            raise found.enabling.invalid(
                "no router follows it, and Traefik's default rule names no domain; add "
                f"traefik.http.routers.{found.name}.rule"
            )
        return found.enabled
    if label is not None and not _exposed(stack, traefik):
        raise label.refusal(
            LabelCode.INVALID,
            "the service is not enabled; add the label traefik.enable=true, or say `exposedByDefault: true` "
            "in the Stack if Traefik does",
        )
    return label is not None


def _exposed(stack: Stack, traefik: Configuration | None) -> bool:
    """Whether services count that do not say so: as the Stack says, or else Traefik."""
    if traefik is None or "exposed_by_default" in stack.spec.model_fields_set:
        return stack.spec.exposed_by_default
    return exposed_by_default(traefik)


def _no_swarm_labels(name: str, service: object, stack: Stack, rendered: Rendered) -> None:
    labels = ((service.get("deploy") or {}).get("labels") or {}) if isinstance(service, dict) else {}
    for key in labels:
        if str(key).lower().startswith("traefik."):
            place = rendered.place("services", name, "deploy", "labels", str(key))
            message = (
                f"service {name} of {stack.key}, label {key}: only a Swarm reads deploy.labels; use labels"
            )
            raise RefusedError(Problem(place, LabelCode.INVALID, message))
