"""What the Compose specification lets Compose read where it runs: in the folder, or refused with its line."""

import pytest

from argos_gitops.providers.docker.compose.limits import excesses
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.compose.resolving import Resolver
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.compose.test_confinement import SERVICE, refused

BUILD = SERVICE + "    build:\n      context: .\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SERVICE + '    security_opt:\n      - no-new-privileges\n      - "seccomp:/etc/shadow"\n', 6),
        (SERVICE + '    security_opt:\n      - "seccomp=../../x.json"\n', 5),
        (SERVICE + '    security_opt: ["seccomp:not-in-git.json"]\n', 4),
        (SERVICE + '    security_opt: ["unheard-of:/x"]\n', 4),
        (SERVICE + "    credential_spec:\n      file: /etc/shadow\n", 5),
        (SERVICE + "    provider:\n      type: sh\n", 4),
        (SERVICE + "    use_api_socket: true\n", 4),
        (SERVICE + "    models: [m]\nmodels:\n  m:\n    model: ai/x\n", 4),
        (SERVICE + "    develop:\n      watch:\n        - {path: /etc, action: rebuild}\n", 6),
        (BUILD + '      cache_to:\n        - "type=local,dest=/etc"\n', 7),
        (BUILD + '      cache_from: ["type=local,src=/etc"]\n', 6),
        (BUILD + '      cache_from: ["type=gha"]\n', 6),
        (BUILD + '      cache_to: ["type=registry,ref=x,type=local,dest=/tmp/x"]\n', 6),
        (BUILD + '      cache_from: ["type=registry,ref=x,src=/etc"]\n', 6),
        (BUILD + "      ssh: [default]\n", 6),
        (BUILD + "      additional_contexts:\n        x: oci-layout:///etc\n", 7),
        (BUILD + '      additional_contexts:\n        x: "ssh://git@example.com/x"\n', 7),
        (BUILD + "      secrets: [s]\nsecrets:\n  s:\n    file: /etc/shadow\n", 9),
        (BUILD + '      entitlements: ["fs.read=/etc"]\n', 6),
        (BUILD + "      dockerfile: /etc/Dockerfile\n", 6),
        (SERVICE + "    build: git@github.com:a/b.git\n", 4),
    ],
)
def test_the_agents_machine_is_out_of_bounds(around: Surroundings, text: str, line: int) -> None:
    assert {(path, at) for path, at, _ in refused(around, {"compose.yaml": text})} == {("compose.yaml", line)}


def test_what_lies_in_the_folder_or_is_for_the_engine_is_taken(around: Surroundings) -> None:
    text = (
        SERVICE
        + """\
    security_opt: ["no-new-privileges:true", "seccomp:./p.json", "seccomp=unconfined",
      "apparmor=docker-default", "label:disable", "systempaths=unconfined"]
    devices: ["/dev/null:/dev/x"]
    volumes: ["/etc:/etc:ro", "./conf:/conf"]
    secrets: [s]
    configs: [c]
    logging: {driver: syslog, options: {syslog-address: "udp://192.0.2.1:514"}}
    post_start: [{command: ["true"]}]
    develop: {watch: [{path: ./src, action: rebuild}]}
    build:
      context: ./app
      dockerfile: ../Dockerfile
      additional_contexts: {base: docker-image://alpine, other: ./conf, up: "service:web"}
      cache_from: [registry.example.com:5000/a/b:cache, "type=registry,ref=a/b:1"]
      cache_to: ["type=inline"]
secrets: {s: {file: ./conf/s}}
configs: {c: {content: x}}
"""
    ).replace(', up: "service:web"', "")
    files = {"compose.yaml": text, "p.json": "{}", "conf/s": "x", "Dockerfile": "FROM x", "app/a": ""}
    stack = around.stack(files)
    assert {*ComposeRenderer(around.context()).render(stack).services} == {"web"}
    assert {*Resolver(around.context()).resolved(stack).hashes} == {"web"}


def test_an_option_that_nobody_knows_yet_is_refused() -> None:
    """A newer Compose may have options that read files; each is allowed by name, or not at all."""
    model = {
        "name": "x",
        "x-own": 1,
        "later": {},
        "services": {"web": {"image": "x", "x-y": 1, "reads_a_file": "/etc/shadow", "build": {"reads": "/"}}},
        "secrets": {"s": {"vault": "/etc"}},
        "volumes": {"v": {"source": "/etc"}},
    }
    assert {way for way, _ in excesses(model, "/srv", ())} == {
        ("later",),
        ("services", "web", "reads_a_file"),
        ("services", "web", "build", "reads"),
        ("secrets", "s", "vault"),
        ("volumes", "v", "source"),
    }


def test_variables_that_the_model_takes_have_names_of_ours(around: Surroundings) -> None:
    """A name such as OTEL_… or BUILDKIT_… reaches no process, not even the one that starts containers."""
    text = SERVICE + "    secrets: [s]\nsecrets: {s: {environment: OTEL_EXPORTER_OTLP_ENDPOINT}}\n"
    stack = around.stack(
        {"compose.yaml": text}, environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://192.0.2.1"}
    )
    resolved = Resolver(around.context()).resolved(stack)
    assert resolved.values == {"ARGOS_VALUE_0": "http://192.0.2.1"}
    assert resolved.model["secrets"]["s"]["environment"] == "ARGOS_VALUE_0"
