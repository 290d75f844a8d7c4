"""Says on open pull requests what merging them would change. Planning is somebody else's part."""

from collections.abc import Callable

from argos_gitops.model.errors import ArgosError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.status.forge.access import ForgeAccess, InForce
from argos_gitops.status.forge.comment import marker, merged, preview, says
from argos_gitops.status.forge.forge import Forge, PullRequest, upsert_comment

Plan = Callable[[PullRequest, InForce], str]
"""Markdown that says what merging it would change, or why that cannot be said. Raises ArgosError."""


class PullRequestPlans:
    """Looks at the open pull requests into the followed branch, whenever it is called.

    One whose branch lies in another repository is left alone: its author may be anybody. Each is planned
    once for each state of its branch and of what is in force.
    """

    def __init__(self, instance: str, access: ForgeAccess, plan: Plan) -> None:
        self._instance = instance
        self._access = access
        self._plan = plan
        self._told: dict[int, str] = {}

    def look(self) -> None:
        """Raises ReportError and TransientError, after it has looked at as many as it could."""
        spec, in_force = self._access.spec, self._access.in_force
        if spec is None or not spec.plans or in_force is None:
            return
        with self._access.forge(spec) as forge:
            pulls = [p for p in forge.open_pull_requests(in_force.revision.ref) if not p.foreign]
            self._told = {p.number: self._told[p.number] for p in pulls if p.number in self._told}
            errors: list[ArgosError] = []
            for pull in pulls:
                try:
                    self._tell(forge, spec, pull, in_force)
                except ArgosError as error:
                    errors.append(error)
            if errors:
                raise errors[0]

    def _tell(self, forge: Forge, spec: ForgeSpec, pull: PullRequest, in_force: InForce) -> None:
        key = f"{in_force.revision.sha} {pull.head}"
        if self._told.get(pull.number) == key:
            return
        context = spec.context.replace("{instance}", self._instance)

        def write(old: str) -> str | None:
            if says(old, key):
                return None
            return merged(old, preview(context, pull.head, key, self._plan(pull, in_force)))

        upsert_comment(forge, pull.number, marker(context), write)
        self._told[pull.number] = key
