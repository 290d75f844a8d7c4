"""Desired against reported: what differs is told, field by field; what is not reported never is."""

from datetime import timedelta
from typing import Any

import pytest

from argos_gitops.model.change import Cause
from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.reported.fields import NOT_REPORTED
from tests.providers.docker.compose.stacks import FOLDER
from tests.providers.docker.reported.conftest import ReportingHost, network
from tests.providers.docker.reported.reporting import archnest, ours

WEB = """\
services:
  web:
    image: nginx:1.27
    restart: unless-stopped
    mem_limit: 512m
    environment: {MODE: live}
    ports: ["8080:80"]
    volumes: ["data:/data", "./conf:/etc/conf:ro"]
volumes: {data: }
"""
DIGEST = "sha256:" + "1" * 64


def wiki(host: ReportingHost, text: str = WEB, **spec: Any) -> Resource[Any]:
    return host.around.stack({"compose.yaml": text}, **spec)


@pytest.fixture
def well(host: ReportingHost) -> ReportingHost:
    """All is as it should be, and known to be."""
    host.wants(wiki(host))
    host.says(ours())
    assert host.told() == {}
    assert host.inventory
    return host


def test_an_unmodified_agent_of_archnest_is_never_in_the_way(host: ReportingHost) -> None:
    """It tells no limits and no digests, and knows nothing of where the Stack's files lie."""
    host.wants(wiki(host, WEB.replace("nginx:1.27", f"nginx:1.27@{DIGEST}")))
    host.says(archnest())
    assert host.told() == {}
    (notice,) = host.provider.notices(host.desired)
    assert (notice.reason, notice.subject) == ("PartlyReported", None)
    assert notice.message == f"{NOT_REPORTED}: image digest of Stack/wiki; limits of Stack/wiki"


@pytest.mark.parametrize(
    ("container", "differs"),
    [
        (ours(image="nginx:1.26"), {"image": ("nginx:1.26", "nginx:1.27")}),
        (ours(state="exited", exitCode=137), {"state": ("exited (137)", "running")}),
        (archnest(state="exited", status="Exited (1) 2 days ago"), {"state": ("exited (1)", "running")}),
        (ours(state="restarting"), {"state": ("restarting", "running")}),
        (ours(state="paused"), {"state": ("paused", "running")}),
        (ours(health="unhealthy"), {"health": ("unhealthy", None)}),
        (ours(restartPolicy="no"), {"restart policy": ("no", "unless-stopped")}),
        (
            ours(security={"limits": {"cpus": 2, "memoryBytes": 1 << 30}}),
            {"memory limit": ("1 GiB", "512 MiB"), "CPU limit": ("2", None)},
        ),
        (
            ours(ports=[*ours()["ports"], {"hostIp": "127.0.0.1", "hostPort": 9, "containerPort": 9}]),
            {"ports": ("127.0.0.1:9→9/tcp, 8080→80/tcp", "8080→80/tcp")},
        ),
        (ours(ports=[]), {"ports": (None, "8080→80/tcp")}),
        (
            ours(mounts=[{"type": "bind", "source": "/", "destination": "/host", "rw": True}]),
            {
                "mount /host": ("/", None),
                "mount /data": (None, "volume wiki_data"),
                "mount /etc/conf": (None, "./conf (ro)"),
            },
        ),
        (
            ours(mounts=[*ours()["mounts"][:1], {**ours()["mounts"][1], "rw": True}]),
            {"mount /etc/conf": ("/opt/wiki/conf", "./conf (ro)")},
        ),
        (ours(env=[]), {"environment": (None, "MODE")}),
        (ours(networks=[{"name": "host"}]), {"networks": ("host", "wiki_default")}),
        (ours(security={"privileged": True}), {"privileged": ("yes", None)}),
        (ours(security={"capAdd": ["NET_ADMIN"]}), {"capabilities": ("+NET_ADMIN", None)}),
        (ours(security={"readOnlyRootfs": True}), {"read-only root": ("yes", None)}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) and len(value) < 4 else "",
)
def test_each_difference_is_told(
    well: ReportingHost, container: dict[str, Any], differs: dict[str, tuple[str | None, str | None]]
) -> None:
    well.says(container)
    assert well.told() == {"update stack/wiki/web": differs}
    (held,) = well.difference().held
    assert held.change.cause is Cause.DRIFT
    assert held.change.location is not None
    assert (held.change.location.path, held.change.location.line) == (f"{FOLDER}/compose.yaml", 2)


def test_what_is_missing_is_drift_once_it_was_there(well: ReportingHost) -> None:
    """Also when nothing at all is left that could tell what the source reports."""
    well.says()
    (held,) = well.difference().held
    assert (held.change.action, held.change.cause) == ("create", Cause.DRIFT)


def test_what_is_too_much_in_a_project_of_ours(well: ReportingHost) -> None:
    """A service that no file names is told; a container of no project of ours is nobody's business."""
    well.says(
        ours(),
        archnest("old"),
        archnest("db", "shop"),
        {"id": "x", "name": "mine", "image": "x", "state": "running"},
    )
    told = well.told()
    assert list(told) == ["delete stack/wiki/old"]
    assert told["delete stack/wiki/old"]["limits"] == (NOT_REPORTED, None)


def test_what_left_git_is_told_until_it_is_gone(well: ReportingHost) -> None:
    well.wants()
    assert list(well.told()) == ["delete stack/wiki/web"]
    well.says()
    assert well.told() == {}


def test_a_digest_that_is_pinned(host: ReportingHost) -> None:
    """The engine's own digests count, whatever the name says."""
    host.wants(wiki(host, WEB.replace("nginx:1.27", f"nginx:1.27@{DIGEST}")))
    host.says(ours(image=f"nginx:1.27@{DIGEST}"))
    assert host.told() == {}
    other = "sha256:" + "2" * 64
    host.says(ours(imageDigests=[f"nginx@{other}"]))
    assert host.told() == {"update stack/wiki/web": {"image digest": (other, DIGEST)}}


@pytest.mark.parametrize("name", ["docker.io/library/nginx:1.27", "nginx:1.27", "sha256:" + "a" * 64])
def test_the_same_image_in_other_words(well: ReportingHost, name: str) -> None:
    """Podman tells the name in full, and a tag that moved on leaves an id."""
    well.says(ours(image=name))
    assert well.told() == {}


@pytest.mark.parametrize("health", ["starting", "healthy", "none"])
def test_what_starts_is_not_sick(well: ReportingHost, health: str) -> None:
    well.says(ours(health=health))
    assert well.told() == {}


def test_a_check_that_git_asks_for_and_the_container_lacks(host: ReportingHost) -> None:
    text = WEB.replace("    ports:", "    healthcheck: {test: [CMD, 'true']}\n    ports:")
    host.wants(wiki(host, text))
    host.says(ours())
    assert host.told() == {"update stack/wiki/web": {"health": ("none", "healthy")}}


def test_a_container_is_found_by_its_name_where_it_has_no_labels(host: ReportingHost) -> None:
    host.wants(wiki(host, WEB.replace("    restart:", "    container_name: wiki\n    restart:")))
    host.says(ours(name="wiki", labels={}))
    assert host.told() == {}


def test_how_many_there_are(host: ReportingHost) -> None:
    host.wants(
        wiki(host, WEB.replace('"8080:80"', '"80"').replace("    restart:", "    scale: 2\n    restart:"))
    )
    first, second = ours(), ours(id="id-2", name="wiki-web-2", health="unhealthy")
    host.says(first)
    assert host.told() == {"update stack/wiki/web": {"replicas": (None, "2")}}
    host.says(first, second)
    assert host.told() == {"update stack/wiki/web": {"health": ("unhealthy", None)}}


def test_a_job_that_is_done_is_as_it_should_be(host: ReportingHost) -> None:
    job = "services: {job: {image: 'nginx:1.27', restart: 'no', network_mode: none}}"
    host.wants(wiki(host, job))
    bare: dict[str, Any] = {
        "mounts": [],
        "env": [],
        "ports": [],
        "networks": [{"name": "none"}],
        "restartPolicy": "no",
    }
    host.says(archnest("job", state="exited", status="Exited (0) 2 hours ago", **bare))
    assert host.told() == {}
    host.says(archnest("job", state="exited", status="Exited (3) 2 hours ago", **bare))
    assert host.told() == {"update stack/wiki/job": {"state": ("exited (3)", "running")}}


def test_a_port_that_the_engine_chooses_is_right_wherever_it_is(host: ReportingHost) -> None:
    host.wants(wiki(host, WEB.replace('"8080:80"', '"80", "9000-9010:443"')))
    ports = [{"hostPort": 49153, "containerPort": 80}, {"hostPort": 9004, "containerPort": 443}]
    host.says(ours(ports=ports))
    assert host.told() == {}
    host.says(ours(ports=[ports[0], {"hostPort": 9011, "containerPort": 443}]))
    assert list(host.told()["update stack/wiki/web"]) == ["ports"]


def test_secrets_and_configs_are_no_foreign_mounts(host: ReportingHost) -> None:
    more = "    secrets: [key]\n    configs: [{source: site, target: /etc/site}]\n"
    text = WEB.replace("volumes: {data: }", more + "volumes: {data: }")
    text += "secrets: {key: {file: ./key}}\nconfigs: {site: {file: ./site}}\n"
    host.wants(host.around.stack({"compose.yaml": text, "key": "x", "site": "y"}))
    put = [
        {"type": "bind", "source": "/opt/wiki/key", "destination": "/run/secrets/key", "rw": False},
        {"type": "bind", "source": "/opt/wiki/site", "destination": "/etc/site", "rw": False},
    ]
    host.says(ours(mounts=[*ours()["mounts"], *put]))
    assert host.told() == {}


def test_a_restart_loop_is_one_state_whatever_the_report_catches(well: ReportingHost) -> None:
    """It does not flap between running and restarting, and is over once it has been quiet."""

    def seen(count: int, state: str) -> dict[str, Any]:
        return ours(restartCount=count, state=state, startedAt=well.clock.at.isoformat())

    for count in range(1, 5):
        well.says(seen(count, "running"))
    states = []
    for count, state in ((5, "running"), (5, "restarting"), (6, "running")):
        well.says(seen(count, state))
        states.append(well.told())
    assert states == [{"update stack/wiki/web": {"state": ("restarting", "running")}}] * 3
    well.says(seen(6, "running"), after=700)
    assert well.told() == {}


def test_a_note_says_when_it_happened(well: ReportingHost) -> None:
    """By the history of the reports, and what nobody can know of it."""
    well.says(ours(state="exited", exitCode=1))
    live = well.provider.observe()
    (held,) = well.difference().held
    assert well.provider.attribute(live, [held.change]) == {
        "stack/wiki/web": "container wiki-web-1 went from running to exited, by the report of "
        "2026-01-01 00:01:00 UTC"
    }
    well.says()
    (held,) = well.difference().held
    notes = well.provider.attribute(well.provider.observe(), [held.change])
    assert notes["stack/wiki/web"].startswith("container wiki-web-1 was gone, by the report of")


def test_a_note_names_what_is_not_reported(well: ReportingHost) -> None:
    well.says(archnest(image="nginx:1.26"))
    (held,) = well.difference().held
    notes = well.provider.attribute(well.provider.observe(), [held.change])
    assert notes["stack/wiki/web"].endswith(f"; limits: {NOT_REPORTED}")


def test_no_report_yet_is_no_drift(host: ReportingHost) -> None:
    host.wants(wiki(host))
    with pytest.raises(TransientError, match="no agent ever reported under the id 'nas'") as raised:
        host.provider.observe()
    assert raised.value.reason == "NoReport"


def test_an_old_report_says_nothing_of_now(well: ReportingHost) -> None:
    """By our clock alone; how far the host's is off is told."""
    well.says(ours(), skew=timedelta(hours=2))
    well.clock.at += timedelta(seconds=90)
    assert well.told() == {}
    well.clock.at += timedelta(seconds=1)
    with pytest.raises(TransientError) as raised:
        well.provider.observe()
    assert raised.value.reason == "StaleReport"
    assert "last heard of at 2026-01-01 00:01:00 UTC by our clock (its clock was 7,200 s ahead)" in str(
        raised.value
    )


def test_a_clock_that_is_off_is_told(host: ReportingHost) -> None:
    host.says(skew=timedelta(minutes=-5))
    (notice,) = host.provider.observe().notices
    assert (notice.reason, "about 5 min behind ours" in notice.message) == ("ClockSkewed", True)


def test_a_watch_notices_other_words_silence_and_the_first_word_after_it(well: ReportingHost) -> None:
    assert not well.provider.moved("reports")
    well.says(ours(status="Up 4 hours"))
    assert not well.provider.moved("reports")
    well.says(ours(state="paused"))
    assert well.provider.moved("reports")
    well.provider.observe()
    well.clock.at += timedelta(hours=1)
    assert well.provider.moved("reports")
    with pytest.raises(TransientError):
        well.provider.observe()
    assert not well.provider.moved("reports")
    well.says(ours(state="paused"))
    assert well.provider.moved("reports")


def test_networks_are_not_reported(host: ReportingHost) -> None:
    host.wants(network("proxy"))
    host.says()
    assert host.told() == {}
    (notice,) = host.provider.notices(host.desired)
    assert notice.message == f"{NOT_REPORTED}: Network/proxy"


def test_a_stack_that_compose_refuses_is_taken_as_it_stands(well: ReportingHost) -> None:
    """What it should be is not known; what stands is neither missing nor too much."""
    broken = wiki(well, "services: {web: {image: [1]}}")
    well.wants(broken)
    found = well.difference()
    assert (found.changes, found.held) == ((), ())
    assert [each.subject for each in well.unrendered] == [broken.key]


def test_nothing_is_ever_applied(well: ReportingHost) -> None:
    with pytest.raises(TerminalError, match="only reports"):
        well.provider.apply(well.provider.observe(), ())


def test_all_that_is_told_of_a_service(well: ReportingHost) -> None:
    """For `explain`: also that a source does not tell something."""
    well.says(archnest())
    shown = well.provider.fields(well.provider.observe().objects["stack/wiki/web"].content)
    assert shown["image"] == "nginx:1.27"
    assert shown["limits"] == shown["image digest"] == shown["user"] == NOT_REPORTED
    assert shown["mount /data"] == "volume wiki_data"
