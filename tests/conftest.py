"""Fixtures that every room may use, above all the real components.

A test that asks for a component is marked `real` by itself. A missing component fails the test in CI
(CI=true), and skips it elsewhere with a line that says how to get it.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.components import caddy as caddy_component
from tests.components import crowdsec as crowdsec_component
from tests.components import docker as docker_component
from tests.components import git as git_component
from tests.components import gitea as gitea_component
from tests.components import postgres as postgres_component
from tests.components import registry as registry_component
from tests.components import sops as sops_component
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.docker import RealDockerd
from tests.components.geo import write_country_database
from tests.components.git import DumbHttp, GitHttp, Origin, RealSshd
from tests.components.gitea import RealGitea
from tests.components.lookup import MissingComponentError, component_cache, find_program
from tests.components.namespaces import require_engine
from tests.components.podman import RealPodman
from tests.components.postgres import RealPostgres
from tests.components.process import RealProcess
from tests.components.registry import RealRegistry
from tests.components.sops import RealSops
from tests.components.upstream import Upstream
from tests.leftovers import OwnTemporaryFolder

ProcessT = TypeVar("ProcessT", bound=RealProcess)
_REAL_FIXTURES = {
    *("sops", "make_caddy", "make_crowdsec", "sshd", "gitea", "make_postgres", "postgres"),
    *("dockerd", "make_dockerd", "podman", "compose", "make_registry", "registry"),
}
# Built in minutes by scripts/test while other tests run, so that theirs come last.
_BUILT_FIXTURES = {"compose", "gitea", "sops"}
_started = pytest.StashKey[list[RealProcess]]()
_temporary = pytest.StashKey[OwnTemporaryFolder]()

# A shared machine is slow at times; a test says whether something is right, never how fast it was.
settings.register_profile("argos", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("argos")


def require_component(program: str, how_to_get: str) -> Path:
    """The path of a component's program, or else the end of the test: failed in CI, skipped elsewhere."""
    with _missing_ends_test():
        return find_program(program, how_to_get)


@contextmanager
def _missing_ends_test() -> Iterator[None]:
    try:
        yield
    except MissingComponentError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing} (a missing component is a failure in CI)", pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(scope="session", autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the settings, caches or git identity of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        components = component_cache()
        for name in [name for name in os.environ if name.startswith(("ARGOS_", "GIT_"))]:
            patch.delenv(name)
        patch.setenv("ARGOS_COMPONENTS", str(components))
        patch.setenv("HOME", str(home))
        # ssh, ssh-keygen and gpg, which the product takes from PATH, where the system has none.
        patch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(components / "tools")]))
        for kind in ("CONFIG", "CACHE", "STATE", "DATA"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "tester")
            patch.setenv(f"GIT_{role}_EMAIL", "tester@example.com")
        yield


@pytest.fixture
def make_caddy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., RealCaddy]]:
    """Starts a Caddy with options of RealCaddy; each call another one."""
    require_component("caddy", caddy_component.HOW_TO_GET)
    yield from _starter(request, tmp_path, RealCaddy)


@pytest.fixture
def caddy(make_caddy: Callable[..., RealCaddy]) -> RealCaddy:
    """A running Caddy that serves nothing yet."""
    return make_caddy()


@pytest.fixture
def make_crowdsec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., RealCrowdSec]]:
    """Starts a CrowdSec with options of RealCrowdSec; each call another one."""
    require_component("crowdsec", crowdsec_component.HOW_TO_GET)
    yield from _starter(request, tmp_path, RealCrowdSec)


@pytest.fixture
def crowdsec(make_crowdsec: Callable[..., RealCrowdSec]) -> RealCrowdSec:
    """A running LAPI without a decision."""
    return make_crowdsec()


@pytest.fixture
def make_postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., RealPostgres]]:
    """Starts a PostgreSQL that this test alone uses, to stop or kill it; each call another one."""
    require_component("postgres", postgres_component.HOW_TO_GET)
    yield from _starter(request, tmp_path, RealPostgres)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPostgres]:
    """A running PostgreSQL for all tests of this process: ask it for a `new_database`."""
    require_component("postgres", postgres_component.HOW_TO_GET)
    folder = tmp_path_factory.mktemp("postgres")
    with RealPostgres(folder) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def dockerd() -> Iterator[RealDockerd]:
    """A running Docker engine, the same for all tests of this process: each uses names of its own."""
    with _missing_ends_test():
        require_engine()
        engine = RealDockerd()
    with engine:
        yield engine


@pytest.fixture
def project(dockerd: RealDockerd) -> Iterator[str]:
    """A name for a Compose project; what the project has in the end is removed from the engine."""
    name = dockerd.new_name()
    yield name
    dockerd.clean(project=name)


@pytest.fixture
def make_dockerd() -> Iterator[Callable[[], RealDockerd]]:
    """Starts an engine that this test alone uses, to stop or kill it; each call another one."""
    with _missing_ends_test():
        require_engine()
    with ExitStack() as engines:
        yield lambda: engines.enter_context(RealDockerd())


@pytest.fixture
def podman() -> Iterator[RealPodman]:
    """A Podman without containers."""
    with _missing_ends_test():
        require_engine()
        engine = RealPodman()
    with engine:
        yield engine


@pytest.fixture(scope="session")
def compose() -> Path:
    """The path of Docker Compose, which serves as a program of its own."""
    return require_component("docker-compose", docker_component.HOW_TO_GET_COMPOSE)


@pytest.fixture
def make_registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., RealRegistry]]:
    """Starts a registry with options of RealRegistry; each call another one."""
    require_component("docker-registry", registry_component.HOW_TO_GET)
    yield from _starter(request, tmp_path, RealRegistry)


@pytest.fixture
def registry(make_registry: Callable[..., RealRegistry]) -> RealRegistry:
    """A running registry without images."""
    return make_registry()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A running HTTP server called `upstream`."""
    with Upstream() as server:
        yield server


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """An empty bare repository, `config.git`, below `tmp_path / "origins"`."""
    require_component("git", git_component.HOW_TO_GET_GIT)
    return Origin(tmp_path / "origins" / "config.git")


@pytest.fixture
def git_http(origin: Origin) -> Iterator[GitHttp]:
    """An HTTP server for `origin` and whatever else is made beside it."""
    with GitHttp(origin.folder.parent) as server:
        yield server


@pytest.fixture
def dumb_http(origin: Origin) -> Iterator[DumbHttp]:
    """The same from a server that only knows files."""
    with DumbHttp(origin.folder.parent) as server:
        yield server


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[RealSshd]:
    """An SSH server that lets its own `key` in."""
    program = require_component("sshd", git_component.HOW_TO_GET_SSHD)
    require_component("ssh", git_component.HOW_TO_GET_SSH)
    if os.geteuid() == 0:
        with _missing_ends_test():
            require_engine()
    with RealSshd(tmp_path / "sshd", program) as server:
        yield server


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory, postgres: RealPostgres) -> Iterator[RealGitea]:
    """A running Gitea, the same for all tests of a worker: each makes a repository of its own."""
    require_component("gitea", gitea_component.HOW_TO_GET)
    database = postgres.new_database()
    with RealGitea(tmp_path_factory.mktemp("gitea"), database, path="/forge") as server:
        yield server


@pytest.fixture
def sops(tmp_path: Path) -> RealSops:
    """The sops program, with an age key of its own."""
    program = require_component("sops", sops_component.HOW_TO_GET)
    return RealSops(program, tmp_path / "sops")


@pytest.fixture(scope="session")
def geo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A country database of five countries; tests/components/geo.py tells what is in it."""
    return write_country_database(tmp_path_factory.mktemp("geo") / "country.mmdb")


def _starter(
    request: pytest.FixtureRequest, tmp_path: Path, component: Callable[..., ProcessT]
) -> Iterator[Callable[..., ProcessT]]:
    started = request.node.stash.setdefault(_started, [])

    def start(**options: object) -> ProcessT:
        process = component(tmp_path / f"component-{len(started)}", **options)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # workers have the folder of the run from their environment
        own = config.stash[_temporary] = OwnTemporaryFolder().enter()
        config.option.basetemp = config.option.basetemp or str(own.for_pytest)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    own = session.config.stash.get(_temporary, None)
    if own is not None and (left := own.left()):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter.write_line("")
        for path in left:
            reporter.write_line(f"ERROR: the test run left {path} behind", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    own = config.stash.get(_temporary, None)
    if own is not None:
        own.remove()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _REAL_FIXTURES & _fixtures(item):
            item.add_marker(pytest.mark.real)
    items.sort(key=lambda item: bool(_BUILT_FIXTURES & _fixtures(item)))


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the end of each component's log beside a failure."""
    report = yield
    if report.failed:
        for process in item.stash.get(_started, []):
            report.sections.append((f"log of {type(process).__name__}", process.log_tail()))
    return report
