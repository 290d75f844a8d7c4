"""What Compose can say, applied once, is no difference ever after: not even without any cache."""

import shutil

import pytest

from argos_gitops.model.change import Result
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host


def _a(settings: str) -> str:
    """One service with these settings."""
    return f'services: {{a: {{image: "stand-in/sleep:1", {settings}}}}}'


_FEATURES = {
    "defaults": 'services: {a: {image: "stand-in/sleep:1"}}',
    "environment as a list": _a('environment: [A=1, "B=two words", C]'),
    "environment with dollars": _a('environment: {A: "a$$b", B: "${HOME_OF:-x}"}'),
    "env_file": _a("env_file: [{path: a.env}, {path: b.env, required: false}]"),
    "configs": """
services: {a: {image: "stand-in/sleep:1", configs: [one, {source: two, target: /two, mode: 288}]}}
configs: {one: {file: ./one.conf}, two: {content: "text of ${NAME_OF:-it}"}}
""",
    "secrets": """
services: {a: {image: "stand-in/sleep:1", secrets: [one]}}
secrets: {one: {file: ./one.conf}}
""",
    "extends": """
services:
  base: {image: "stand-in/sleep:1", environment: {A: "1"}, labels: {x: y}}
  a: {extends: base, environment: {B: "2"}}
""",
    "include": 'include: [more.yaml]\nservices: {a: {image: "stand-in/sleep:1"}}',
    "anchors": """
x-common: &common {image: "stand-in/sleep:1", restart: unless-stopped}
services: {a: {<<: *common}, b: {<<: *common, init: true}}
""",
    "replicas": 'services: {a: {image: "stand-in/sleep:1", deploy: {replicas: 2}}}',
    "no replicas": 'services: {a: {image: "stand-in/sleep:1"}, b: {image: "stand-in/sleep:1", scale: 0}}',
    "dependencies": """
services:
  a: {image: "stand-in/sleep:1", depends_on: {b: {condition: service_started, required: false}}}
  b: {image: "stand-in/sleep:1"}
""",
    "health check": """
services:
  a:
    image: stand-in/web:1
    healthcheck: {test: "true", interval: 1s, timeout: 5s, retries: 3, start_period: 1s}
""",
    "no health check": 'services: {a: {image: "stand-in/web:1", healthcheck: {disable: true}}}',
    "networks": """
services:
  a: {image: "stand-in/sleep:1", networks: {one: {aliases: [x, y], priority: 10}, two: {}, default: null}}
networks: {one: {internal: true}, two: {driver: bridge, labels: [a=b]}}
""",
    "no network": 'services: {a: {image: "stand-in/sleep:1", network_mode: none}}',
    "a network of another service": """
services:
  a: {image: "stand-in/sleep:1"}
  b: {image: "stand-in/sleep:1", network_mode: "service:a", depends_on: [a]}
""",
    "named volumes": """
services:
  a:
    image: stand-in/sleep:1
    volumes: ["data:/data:ro", "/anonymous", {type: volume, source: data, target: /d}]
volumes: {data: {labels: {a: b}}}
""",
    "binds": _a('volumes: ["./one.conf:/one.conf:ro", "./new:/new"]'),
    "tmpfs": _a('tmpfs: ["/run:size=1m,mode=1777"], shm_size: 8m'),
    "ulimits": _a("ulimits: {nproc: 100, nofile: {soft: 64, hard: 128}}"),
    "logging": _a('logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}'),
    "labels as a list": 'services: {a: {image: "stand-in/sleep:1", labels: ["a=b", "c", "e=f=g"]}}',
    "labels as a map": 'services: {a: {image: "stand-in/sleep:1", labels: {a: b, n: 1, t: true}}}',
    "ports": _a('ports: ["127.0.0.1::80", {target: 81, protocol: udp}], expose: ["82"]'),
    "limits": _a("mem_limit: 32m, memswap_limit: 64m, cpus: 0.5, pids_limit: 20"),
    "limits of deploy": """
services:
  a:
    image: stand-in/sleep:1
    deploy: {resources: {limits: {cpus: "0.25", memory: 33M, pids: 20}, reservations: {memory: 8M}}}
""",
    "unlimited": 'services: {a: {image: "stand-in/sleep:1", pids_limit: -1, mem_limit: 0}}',
    "restart policy of deploy": """
services: {a: {image: "stand-in/sleep:1", deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}}}
""",
    "security": """
services:
  a:
    image: stand-in/sleep:1
    user: "65534:65534"
    cap_drop: [ALL]
    cap_add: [CHOWN]
    read_only: true
    security_opt: [no-new-privileges]
""",
    "names and places": """
services:
  a:
    image: stand-in/sleep:1
    hostname: h
    domainname: d.example
    extra_hosts: ["x:192.0.2.1"]
    dns: [192.0.2.2]
    working_dir: /tmp
    stop_grace_period: 2s
    stop_signal: SIGKILL
    tty: true
    stdin_open: true
""",
    "entrypoint and command": """
services:
  a: {image: "stand-in/sleep:1", entrypoint: sleep, command: "1000"}
  b: {image: "stand-in/sleep:1", entrypoint: ["sleep"], command: ["1000"]}
""",
    "profiles": """
services:
  a: {image: "stand-in/sleep:1"}
  b: {image: "stand-in/sleep:1", profiles: [debug]}
  c: {image: "stand-in/sleep:1", profiles: [more]}
""",
    "a container's own name": _a("container_name: NAME-own"),
    "sysctls and devices": _a(
        'sysctls: {net.core.somaxconn: 64}, cgroup_parent: "", oom_score_adj: 10, init: true, ipc: private'
    ),
}
_FILES = {
    "a.env": "FROM_FILE=yes\nQUOTED='it is'\n",
    "one.conf": "one\n",
    "more.yaml": 'services: {included: {image: "stand-in/sleep:1"}}\n',
}


@pytest.mark.parametrize("feature", _FEATURES)
def test_fm05_applied_once_is_no_difference_any_more(
    host: Host, project: str, dockerd: RealDockerd, feature: str
) -> None:
    """Twice in the same process, in the next one, and in one that has lost what it kept (fm06)."""
    compose = _FEATURES[feature].replace("NAME", project)
    more = {"more.yaml": _FILES["more.yaml"]} if feature == "include" else {}
    files = {**{name: text for name, text in _FILES.items() if name != "more.yaml"}, **more}
    stack = host.stack(compose, project=project, files=files, profiles=["debug"])
    host.want(stack)
    assert {each.result for each in host.apply()} == {Result.DONE}
    assert host.plan() == ()
    assert host.plan() == ()
    seen = host.provider.observe().fingerprint
    host.restart()
    host.want(stack)
    assert host.plan() == ()
    assert host.provider.observe().fingerprint == seen
    shutil.rmtree(host.surroundings.folder / "cache")
    host.restart()
    host.want(stack)
    assert host.plan() == ()
    assert host.provider.notices(host.wanted) == ()
    _compose_agrees(host, dockerd, project)


def _compose_agrees(host: Host, dockerd: RealDockerd, project: str) -> None:
    """Compose itself, asked to bring it up, makes no container anew."""
    before = _containers(dockerd, project)
    (stack,) = [each for each in host.wanted.resources if each.key.kind == "Stack"]
    host.provider.runner.up(stack)  # type: ignore[arg-type]
    assert _containers(dockerd, project) == before


def _containers(dockerd: RealDockerd, project: str) -> set[str]:
    of_project = f"label=com.docker.compose.project={project}"
    return {*dockerd.run("ps", "--all", "--quiet", "--no-trunc", "--filter", of_project).split()}
