"""Failure mode 5: what was applied is never planned again, whatever it is."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from argos_gitops.app.application import Application, open_application
from argos_gitops.cli.progress import Silence
from argos_gitops.reconcile.parts import Approval
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.tripwire import Trap, relay
from tests.real.estate import PASSWORD, Estate, ban, country, document, edge, host

IDLE_PASSES = 100

_NAMES = st.sampled_from([f"n{number}" for number in range(6)])
_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="{}"), max_size=12)
_HEADERS = st.dictionaries(st.sampled_from(["X-One", "x-two", "Server", "Cache-Control"]), _TEXT, max_size=3)
_SECONDS = st.integers(1, 120).map("{}s".format)
_TARGETS = st.lists(st.integers(1024, 65535), min_size=1, max_size=3, unique=True)


@st.composite
def _services(draw: st.DrawFn) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "targets": [
            {"address": f"127.0.0.1:{port}", "weight": draw(st.integers(1, 3))} for port in draw(_TARGETS)
        ]
    }
    if draw(st.booleans()):
        spec["healthCheck"] = {"path": "/healthz", "interval": draw(_SECONDS), "timeout": "1s"}
    if draw(st.booleans()):
        spec["passiveHealthCheck"] = {"failDuration": draw(_SECONDS)}
    if draw(st.booleans()):
        spec["timeouts"] = {"connect": draw(_SECONDS), "read": draw(_SECONDS)}
    if draw(st.booleans()):
        spec["tls"] = draw(st.fixed_dictionaries({}, optional={"verify": st.booleans()}))
    return spec


@st.composite
def _hosts(draw: st.DrawFn, name: str, services: list[str]) -> dict[str, Any]:
    answers: list[dict[str, Any]] = [
        {"response": {"body": draw(_TEXT), "status": draw(st.sampled_from([200, 404, 503]))}},
        {"redirect": {"to": "https://elsewhere.example.com", "status": draw(st.sampled_from([301, 308]))}},
        *({"service": service} for service in services),
    ]
    return {
        "edge": "main",
        "domains": [f"{name}.example.com", *([f"*.{name}.example.com"] if draw(st.booleans()) else [])],
        "tls": {"mode": "off"},
        "enabled": draw(st.booleans()),
        "compression": draw(st.booleans()),
        "headers": {
            "request": {"set": draw(_HEADERS)},
            "response": {"add": draw(_HEADERS), "remove": draw(st.sampled_from([[], ["X-Gone"], ["X-*"]]))},
        },
        **draw(st.sampled_from(answers)),
    }


@st.composite
def _repositories(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Documents by file name: some services, some hosts that use them, some bans."""
    services = sorted(draw(st.sets(_NAMES, max_size=3)))
    files = {f"service-{name}.yaml": document("Service", name, draw(_services())) for name in services}
    for name in sorted(draw(st.sets(_NAMES, max_size=4))):
        files[f"host-{name}.yaml"] = document("Host", name, draw(_hosts(name, services)))
    for number in draw(st.sets(st.integers(0, 255), max_size=4)):
        files[f"ban-{number}.yaml"] = ban(f"b{number}", f"100.64.{number}.0/24", reason=draw(_reasons))
    return files


_reasons = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)


@contextmanager
def _agent(environment: Mapping[str, str], folder: Path) -> Iterator[Application]:
    with open_application({}, environment, folder, Silence()) as application:
        yield application


def _approve_whatever(application: Application) -> str:
    plan = application.plan()
    return application.apply(lambda _: Approval(True, plan.digest)).result


def test_fm05_plan_after_apply_is_empty_for_any_repository(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec
) -> None:
    """Each generated repository is applied over the one before it; a second look finds nothing."""
    folder = tmp_path / "config"
    folder.mkdir()
    environment = {
        "ARGOS_REPO": str(folder),
        "ARGOS_STATE_DIR": str(tmp_path / "state"),
        "ARGOS_CACHE_DIR": str(tmp_path / "cache"),
        PASSWORD: crowdsec.machine_password,
    }

    @settings(max_examples=25)
    @given(_repositories())
    def settle(files: dict[str, dict[str, Any]]) -> None:
        for path in folder.glob("*.yaml"):
            path.unlink()
        (folder / "edge.yaml").write_text(json.dumps(edge(caddy, crowdsec)))
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))
        with _agent(environment, tmp_path) as application:
            assert _approve_whatever(application) in ("Applied", "NoChange")
            again = application.look(whole=True).plan
            assert again.empty, [change for _, change in again.changes()]
            assert not again.unreachable

    settle()


def test_fm05_idle_passes_write_nothing(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, geo_database: Path
) -> None:
    """100 passes over hosts, bans and a country: 0 writes to Caddy and LAPI, 0 commits."""
    environment = {PASSWORD: crowdsec.machine_password, "ARGOS_GEOIP_COUNTRY": str(geo_database)}
    estate, trap = Estate(tmp_path, environment), Trap()
    with ExitStack() as stack:
        ours = edge(caddy, crowdsec)
        ours["spec"]["caddy"]["adminUrl"] = stack.enter_context(relay(caddy.admin_url, trap))
        ours["spec"]["crowdsec"]["lapiUrl"] = stack.enter_context(relay(crowdsec.lapi_url, trap))
        hosts = [host(f"h{number}", "text") for number in range(5)]
        estate.write("all.yaml", ours, *hosts, ban("b", "100.64.0.1"), country("NG"))
        estate.push()
        assert estate.apply().code == 0
        assert estate.apply().code == 0
        writes, commits = len(trap.writes), estate.status_commits()
        assert writes > 0
        with _agent(estate.environ(), tmp_path) as application:
            for _ in range(IDLE_PASSES):
                assert application.apply(lambda _: Approval(True)).result == "NoChange"
        assert trap.writes[writes:] == []
        assert estate.status_commits() == commits
