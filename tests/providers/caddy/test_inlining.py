"""Secrets out of SOPS files in Caddy's configuration: there, and nowhere that people look."""

import pytest

from argos_gitops.manifests.attachments import Attachments, bound_resource
from argos_gitops.model.errors import SettingsError, TerminalError
from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.model.secret import MASK, SecretRef, SecretValue
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.inlining import Inlining
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.fakes import NoSealedFiles
from tests.providers.caddy.world import edge, host, service

REF = {"sops": "keys.yaml#token"}
SECRETS = {"0a": "canary-old", "0b": "canary-new {braces}"}


class Values(NoSealedFiles):
    """A value for each content of the file."""

    def resolve(self, ref: SecretRef) -> SecretValue:
        if ref.blob not in SECRETS:
            raise SettingsError(f"the secret {ref} is not at hand", reason="SecretMissing")
        return SecretValue(SECRETS[ref.blob])


def compiled(inlining: Inlining, blob: str, *resources: AnyResource) -> dict[str, str]:
    target = edge(
        acme={"challenge": "dns", "dns": {"provider": "x", "options": {"email": REF, "token": REF}}}
    )
    bound = [bound_resource(each, Attachments({"keys.yaml": blob})) for each in (target, *resources)]
    section = getattr(bound[0].spec, "caddy", None)
    assert isinstance(section, CaddySettings)
    objects = Compiler(bound[0], section, inlining).compile(EagerResources(bound, ""), Layout())
    return {key: each.content for key, each in objects.items()}


HEADERS = {"request": {"set": {"Authorization": REF, "Accept": REF}}, "response": {"add": {"Server": REF}}}
HOST = host("a", headers=HEADERS, tls={"mode": "auto"})
CHECKED = service("s", "127.0.0.1:1", healthCheck={"path": "/", "headers": {"X-Key": REF}})


def test_values_stand_where_they_are_needed_and_braces_are_text() -> None:
    """Caddy would take {braces} for a placeholder of its own."""
    objects = compiled(Inlining(edge().key, Values()), "0b", HOST, host("b", service="s"), CHECKED)
    escaped = "canary-new \\{braces}"
    for key in ("host/a", "host/b", "edge/tls"):
        assert repr(escaped) in repr(objects[key]), key
        assert "\0" not in repr(objects[key])


def test_fields_show_neither_the_new_value_nor_the_one_before() -> None:
    """Whatever the name of the header or option: some are shown as a rule."""
    inlining = Inlining(edge().key, Values())
    before = compiled(Inlining(edge().key, Values()), "0a", HOST)["host/a"]
    after = compiled(inlining, "0b", HOST)["host/a"]
    shown_before, shown_after = inlining.masked(before), inlining.masked(after)
    assert "canary" not in f"{shown_before} {shown_after}"
    assert shown_after["request Accept"] == MASK


def test_contents_without_secrets_are_not_copied() -> None:
    content = {"a": [{"b": "c"}], "d": ("e", 1, None)}
    assert Inlining(edge().key, Values()).filled(content) is content


def test_a_value_that_cannot_be_had_is_told_with_its_place() -> None:
    with pytest.raises(TerminalError, match=r"Edge/main: the secret sops keys\.yaml#token") as caught:
        compiled(Inlining(edge().key, Values()), "0c", HOST)
    assert caught.value.reason == "SecretMissing"
