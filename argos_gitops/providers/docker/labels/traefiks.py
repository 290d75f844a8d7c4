"""Which Traefik looks at which Stack: the one that runs on the same host, as far as the repository says."""

from collections.abc import Iterator

from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import Resource, ResourceSet
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.labels.entrypoints import warnings_of
from argos_gitops.providers.docker.labels.label import LabelCode, RefusedError
from argos_gitops.providers.docker.labels.static import Configuration, is_traefik, read_configuration

Stack = Resource[StackSpec]
_EDGE = "Edge"


class Traefiks:
    """The configurations by host, read when the first Stack asks. Stacks that Compose refuses have none: they
    are told elsewhere, and their revision is rejected."""

    def __init__(self, resources: ResourceSet, renderer: ComposeRenderer) -> None:
        self._resources = resources
        self._renderer = renderer
        self._known: dict[str, list[Configuration]] = {}
        self._asked: set[str] = set()

    def of(self, stack: Stack) -> Configuration | None:
        """None where the repository has no Traefik for it; refuses a Stack that depends on what is unread."""
        if stack.spec.traefik_configuration == "ignore":
            return None
        self._asked.add(stack.spec.host)
        found = self._of_host(stack.spec.host)
        if not found:
            return None
        if any(each.form != found[0].form for each in found):
            others = " and ".join(each.owner for each in found)
            raise self._refused(stack, f"{others} say different things")
        if found[0].unread is not None:
            raise self._refused(stack, f"of {found[0].owner} ({found[0].location}) {found[0].unread}")
        return found[0]

    def warnings(self) -> Iterator[Problem]:
        """What of the configurations that were asked for has another place in the repository."""
        edges = self._resources.of_kind(_EDGE).values()
        proxies = [getattr(getattr(edge.spec, "caddy", None), "trusted_proxies", ()) for edge in edges]
        trusted = [str(each) for each in set(proxies[0]).intersection(*proxies[1:])] if proxies else []
        for host in sorted(self._asked):
            for each in self._of_host(host)[:1]:
                yield from warnings_of(each, trusted)
                if each.file_unread is not None:
                    message = f"{each.owner}: what its file provider says is unknown: {each.file_unread}"
                    yield Problem(each.location, LabelCode.TRAEFIK, message)

    def _of_host(self, host: str) -> list[Configuration]:
        if host not in self._known:
            stacks = self._resources.of(StackSpec).values()
            self._known[host] = [
                each for stack in stacks if stack.spec.host == host for each in self._in(stack)
            ]
        return self._known[host]

    def _in(self, stack: Stack) -> Iterator[Configuration]:
        try:
            rendered = self._renderer.render(stack)
        except ComposeError:
            return
        for name, service in rendered.services.items():
            if is_traefik(service):
                yield read_configuration(rendered, self._renderer.files_of(stack), name)

    def _refused(self, stack: Stack, why: str) -> RefusedError:
        message = (
            f"{stack.key}: its routes depend on Traefik's own configuration, and {why}. Entry points may ask "
            "for a password: put the configuration into the folder of Traefik's Stack, or say here "
            "`traefikConfiguration: ignore`"
        )
        return RefusedError(Problem(stack.location, LabelCode.TRAEFIK, message))
