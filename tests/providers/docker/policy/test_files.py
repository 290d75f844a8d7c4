"""Compose files under policies: what is rejected, what is warned of, and at which line."""

from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.resource import EagerResources, Resource, ResourceKey
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.expanding import expanded
from argos_gitops.providers.docker.policy.facts import of_service
from argos_gitops.providers.docker.policy.files import findings_in
from argos_gitops.providers.docker.policy.judging import Judge, Stack
from tests.fakes import START
from tests.providers.docker.compose.stacks import FOLDER, Surroundings
from tests.providers.docker.policy.conftest import policy

AEGIS = Path(__file__).parent / "aegis"
WEB = """\
services:
  web:
    image: nginx
    restart: unless-stopped
    user: "1000"
    read_only: true
    healthcheck: {test: [CMD, "true"]}
    mem_limit: 1g
    cpus: 1
    logging: {driver: local, options: {max-size: 1m, max-file: "1"}}
    environment:
      - API_KEY=in-plain-text
"""


def told(around: Surroundings, enforce: str) -> tuple[list[str], list[str]]:
    stack: Resource[Any] = around.stack({"compose.yaml": WEB})
    resources = EagerResources([stack, policy(enforce=enforce)], "test")
    expansion = expanded(resources, around.context())
    problems, warnings = (
        [str(each).removeprefix(f"{FOLDER}/") for each in group]
        for group in (expansion.problems, expansion.warnings)
    )
    return problems, warnings


FOUND = [
    "compose.yaml:3:5 PolicyViolation service web of Stack/wiki has an image without a tag (nginx), "
    "which means latest (imageTag of ContainerPolicy/standard)",
    "compose.yaml:12:9 PolicyViolation service web of Stack/wiki has what looks like a secret in plain text "
    "in API_KEY (plainSecrets of ContainerPolicy/standard)",
]


@pytest.mark.parametrize("enforce", ["deny", "warn"])
def test_findings_stand_at_their_lines(around: Surroundings, enforce: str) -> None:
    problems, warnings = told(around, enforce)
    assert (problems, warnings) == ((FOUND, []) if enforce == "deny" else ([], FOUND))


def aegis_stack(around: Surroundings, name: str) -> Stack:
    """Secrets are filled in by the agent, as they should be."""
    names = ["ZAI_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "STRIPE_SECRET_KEY", "CF_DNS_API_TOKEN"]
    names += ["SURREAL_PASSWORD", "PASSWORD", "SUDO_PASSWORD"]
    text = (AEGIS / name / "compose.yaml").read_text()
    environment = {each: {"env": each} for each in names if f"${{{each}}}" in text}
    return around.stack({"compose.yaml": text}, name=name, environment=environment)


UNLIMITED = ["cpuLimit", "memoryLimit"]
ROOT = ["nonRoot", "readOnlyRoot"]


@pytest.mark.parametrize(
    ("stack", "findings"),
    [
        (
            "aegis-core",
            {
                "dashboard": ["readOnlyRoot"],
                "scheduler": ["healthCheck", "readOnlyRoot"],
                "playwright": ["restartPolicy", *UNLIMITED, *ROOT, "imageTag"],
                "falkordb": [*ROOT, "imageTag"],
            },
        ),
        ("traefik", {"traefik": ["healthCheck", *UNLIMITED, *ROOT]}),
        ("open-notebook", {"open-notebook": ["healthCheck", *UNLIMITED, *ROOT, "imageTag"]}),
        ("code-server", {"code-server": ["healthCheck", *UNLIMITED, *ROOT, "imageTag"]}),
        ("aegis-docs", {"docs": ["healthCheck", "restartPolicy", *UNLIMITED, *ROOT, "imageTag"]}),
    ],
)
def test_the_aegis_estate_has_the_findings_of_a_careful_reader(
    around: Surroundings, stack: str, findings: dict[str, list[str]]
) -> None:
    """Read-only sockets, rotated logs and secrets that are filled in are fine; nothing else is found."""
    resource = aegis_stack(around, stack)
    judge = Judge.of(EagerResources([policy()], "test"), START.date())
    rendered = ComposeRenderer(around.context()).render(resource)
    found: dict[str, list[str]] = {}
    for each in findings_in(resource, rendered, judge):
        found.setdefault(each.service, []).append(each.finding.rule)
        assert each.location.path == f"{FOLDER}/compose.yaml"
        assert each.location.line > 1
        assert each.notice.subject == ResourceKey("Stack", stack)
    assert found == findings


def test_the_aegis_estate_with_its_sockets_and_secrets_worse(around: Surroundings) -> None:
    """What it does right is seen, or its being right would prove nothing."""
    text = (AEGIS / "traefik" / "compose.yaml").read_text()
    worse = text.replace("docker.sock:ro", "docker.sock").replace("${CF_DNS_API_TOKEN}", "abcdef")
    rendered = ComposeRenderer(around.context()).render(around.stack({"compose.yaml": worse}))
    facts = of_service(rendered.services["traefik"])
    judge = Judge.of(EagerResources([policy()], "test"), START.date())
    found = [each.rule for each in judge.on_service(aegis_stack(around, "traefik"), "traefik", facts)]
    assert {"dockerSocket", "plainSecrets"} <= {*found}
