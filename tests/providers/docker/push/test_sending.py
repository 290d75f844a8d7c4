"""How a report reaches a server: with which token, how often again, and what the user is told."""

import json
import re
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.components.ports import free_port
from tests.components.receiver import Answer, Receiver
from tests.providers.docker.push.conftest import TOKEN, PushAgent

_ROOT = Path(__file__).parents[4]
_CONTAINER = {
    "Id": "c0ffee",
    "Name": "/app",
    "Config": {"Image": "app:1"},
    "State": {"Status": "running", "Running": True},
    "HostConfig": {},
}
_REFUSALS = {
    401: (7, "refuses the token: compare ARGOS_AGENT_TOKEN"),
    403: (7, "ARGOS_HOST_ID=docker-1: it is another host's"),
    400: (8, "finds mistakes in the report"),
    413: (8, "too large: raise its limit"),
    404: (8, "answers HTTP 404; is ARGOS_URL right?"),
    302: (8, "answers HTTP 302; is ARGOS_URL right?"),
    503: (9, "takes no reports: is its ARGOS_AGENT_TOKEN set"),
    500: (9, "is not able to take the report (HTTP 500)"),
}


@pytest.fixture(autouse=True)
def engine(make_engine: Callable[..., None], agent: PushAgent) -> Callable[..., None]:
    """An engine whose one container says `Up` in other words each time; call it with what else it has."""

    def tell(**more: object) -> None:
        (agent.home / "inspect.json").write_text(json.dumps({**_CONTAINER, **more}))
        make_engine(
            """ps) echo '{"seen":"status","id":"c0ffee","status":"Up since '"$(date +%N)"'"}' ;;""",
            f"inspect) cat {agent.home}/inspect.json ;;",
        )

    tell()
    return tell


def _bodies(receiver: Receiver) -> list[dict[str, object]]:
    return [json.loads(received.body) for received in receiver.received]


def test_a_report_is_posted_as_the_contract_says(agent: PushAgent, receiver: Receiver) -> None:
    """Path, token, content type, and the head of the report; nothing is said about what went well."""
    done = agent()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (received,) = receiver.received
    assert received.path == "/api/agents/docker/report"
    assert received.headers["Authorization"] == f"Bearer {TOKEN}"
    assert received.headers["Content-Type"] == "application/json"
    report = json.loads(received.body)
    assert report.keys() == {"hostId", "hostname", "agentVersion", "reportedAt", "containers", "digest"}
    assert report["hostId"] == "docker-1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", report["reportedAt"])
    assert [container["name"] for container in report["containers"]] == ["app"]


def test_settings_of_archnest_mean_the_same_and_ours_win(agent: PushAgent, receiver: Receiver) -> None:
    """An ArchNest server gets the seed's report alone, whole each time: no digest, no heartbeat."""
    agent.settings = {
        "ARCHNEST_URL": f"{receiver.url}/",
        "ARCHNEST_AGENT_TOKEN": TOKEN,
        "ARCHNEST_HOST_ID": "old-name",
        "ARGOS_ENGINE": agent.settings["ARGOS_ENGINE"],
        "ARGOS_STATE": agent.settings["ARGOS_STATE"],
    }
    assert [agent().returncode for _ in range(2)] == [0, 0]
    assert [body.keys() for body in _bodies(receiver)] == [
        {"hostId", "hostname", "agentVersion", "reportedAt", "containers"}
    ] * 2
    assert agent(ARGOS_HOST_ID="new-name").returncode == 0
    assert [body["hostId"] for body in _bodies(receiver)] == ["old-name", "old-name", "new-name"]


def test_a_file_of_settings_is_read_and_never_run(agent: PushAgent, receiver: Receiver) -> None:
    """Comments, quotes, `export`, Windows line ends; the environment counts before it."""
    token, file = agent.home / "token", agent.home / "agent.env"
    token.write_text(f"{TOKEN}\n")
    file.write_bytes(
        b"# a comment\r\n"
        b"export ARGOS_URL='" + receiver.url.encode() + b"'\r\n"
        b'ARGOS_HOST_ID="from-file"  \r\n'
        b"ARGOS_RETRY_WAIT=$(touch " + str(agent.home / "was-run").encode() + b")\n"
        b"PATH=/nowhere\n"
        b"ARGOS_AGENT_TOKEN_FILE=" + str(token).encode()
    )
    kept = {name: agent.settings[name] for name in ("ARGOS_ENGINE", "ARGOS_STATE", "ARGOS_RETRY_WAIT")}
    agent.settings = kept
    done = agent("--config", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert agent("--config", str(file), ARGOS_HOST_ID="from-environment").returncode == 0
    assert [body["hostId"] for body in _bodies(receiver)] == ["from-file", "from-environment"]
    assert not (agent.home / "was-run").exists()


def test_the_token_is_in_no_argument_and_no_environment(agent: PushAgent, receiver: Receiver) -> None:
    """Whoever may list processes does not see it, and tracing the script does not show it."""
    seen = agent.home / "seen"
    for name in ("curl", "jq"):
        real = subprocess.run(["which", name], env=agent.env, capture_output=True, text=True).stdout.strip()
        wrapper = agent.home / "bin" / name
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(f'#!/bin/sh\n{{ echo "$0" "$@"; env; }} >>{seen}\nexec {real} "$@"\n')
        wrapper.chmod(stat.S_IRWXU)
    env = agent.environment(PATH=f"{agent.home / 'bin'}:{agent.env['PATH']}")
    done = subprocess.run(
        ["bash", "-x", str(agent.script), "--verbose"], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert receiver.received[0].headers["Authorization"] == f"Bearer {TOKEN}"
    told = seen.read_text()
    assert "curl --disable" in told
    assert TOKEN not in told + done.stdout + done.stderr


@pytest.mark.parametrize("status", _REFUSALS)
def test_a_refusal_says_what_to_do(agent: PushAgent, receiver: Receiver, status: int) -> None:
    """With an exit code of its own and what the server said, but without the token that is in it."""
    body = json.dumps({"message": f"no: {TOKEN}", "details": ["containers[0].id: missing"]}).encode()
    receiver.always = Answer(status, body=body)
    done = agent()
    code, message = _REFUSALS[status]
    assert done.returncode == code
    assert message in done.stderr
    assert TOKEN not in done.stderr
    if status == 400:
        assert "containers[0].id: missing" in done.stderr
    assert len(receiver.received) == (4 if status >= 500 else 1)


def test_a_server_that_comes_back_gets_the_report(agent: PushAgent, receiver: Receiver) -> None:
    """It tries again while that may help, with the same report."""
    receiver.script.extend([Answer(503), Answer(429)])
    assert agent().returncode == 0
    bodies = [received.body for received in receiver.received]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


def test_a_server_that_is_not_there(agent: PushAgent) -> None:
    """A bounded number of attempts, and then a word."""
    done = agent(ARGOS_URL=f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 6
    assert "no connection to http://127.0.0.1" in done.stderr


@pytest.mark.parametrize("missing", ["curl", "jq", "docker"])
def test_a_missing_tool_is_named(agent: PushAgent, missing: str) -> None:
    """With how to get it."""
    folder = agent.home / "tools"
    folder.mkdir()
    for name in ({"curl", "jq", "docker"} - {missing}) | {"bash"}:
        (folder / name).symlink_to("/bin/bash" if name == "bash" else "/bin/true")
    done = agent(PATH=str(folder), ARGOS_ENGINE=None)
    assert done.returncode == 3
    assert f"{missing} is not installed; get it with: apt install {missing}" in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("ARGOS_URL", None, "ARGOS_URL: expected where the server is"),
        ("ARGOS_URL", "argos.example.com", "ARGOS_URL: expected where the server is"),
        ("ARGOS_URL", "https://joe:secret@argos.example.com", "ARGOS_URL: expected where the server is"),
        ("ARGOS_AGENT_TOKEN", None, "ARGOS_AGENT_TOKEN is not set"),
        ("ARGOS_AGENT_TOKEN", "two\nlines", "ARGOS_AGENT_TOKEN: expected letters"),
        ("ARGOS_HOST_ID", None, "ARGOS_HOST_ID: expected a name"),
        ("ARGOS_HOST_ID", "docker 1", "found 'docker 1'"),
        ("ARGOS_FULL_EVERY", "soon", "ARGOS_FULL_EVERY: expected a number of seconds, found 'soon'"),
        ("ARGOS_CA_FILE", "/nowhere.pem", "/nowhere.pem cannot be read"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(
    agent: PushAgent, receiver: Receiver, setting: str, value: str | None, told: str
) -> None:
    """With what was expected; secrets in it are not shown."""
    done = agent(**{setting: value})
    assert done.returncode == 4
    assert told in done.stderr
    assert "secret" not in done.stderr
    assert receiver.received == []


@pytest.mark.parametrize("options", [["--lop"], ["--loop"], ["--loop", "soon"], ["--config"]])
def test_a_wrong_option_is_named(agent: PushAgent, options: list[str]) -> None:
    done = agent(*options)
    assert done.returncode == 2
    assert options[0] in done.stderr


def test_help_tells_of_all_settings_and_needs_nothing(agent: PushAgent) -> None:
    done = agent("--help", PATH="/usr/bin:/bin")
    assert done.returncode == 0
    used = set(re.findall(r'setting "?([A-Z_]+)', agent.script.read_text()))
    assert used == set(re.findall(r"^  ARGOS_([A-Z_]+)", done.stdout, re.MULTILINE))


def test_the_documentation_tells_of_all_settings_options_and_exit_codes(agent: PushAgent) -> None:
    text = (_ROOT / "docs" / "docker-agent.md").read_text()
    told = agent("--help").stdout
    for word in re.findall(r"^  (ARGOS_[A-Z_]+|--[a-z]+)", told, re.MULTILINE):
        assert re.search(rf"{word}\b", text), word
    codes = re.findall(r"(\d) ", told.partition("Exit codes: ")[2])
    assert re.findall(r"^\| (\d) \|", text, re.MULTILINE) == codes


# --- heartbeats


def test_while_nothing_changes_a_few_words_do(
    agent: PushAgent, receiver: Receiver, engine: Callable[..., None]
) -> None:
    """It names the report that still holds, whatever wording `Up 3 hours` has; a change is told whole."""
    assert [agent().returncode for _ in range(3)] == [0, 0, 0]
    engine(RestartCount=1)
    assert agent().returncode == 0
    first, second, third, fourth = _bodies(receiver)
    for heartbeat in (second, third):
        assert heartbeat.keys() == {"hostId", "hostname", "agentVersion", "reportedAt", "unchangedSince"}
        assert heartbeat["unchangedSince"] == first["digest"]
    assert fourth["digest"] != first["digest"]
    assert "containers" in fourth


def test_a_server_that_forgot_gets_the_whole_report_at_once(agent: PushAgent, receiver: Receiver) -> None:
    """409 is its word for it; a server that knows no heartbeats says 400."""
    for status in (409, 400):
        agent(ARGOS_FULL_EVERY="0")
        receiver.received.clear()
        receiver.script.append(Answer(status))
        assert agent().returncode == 0
        short, whole = _bodies(receiver)
        assert short["unchangedSince"] == whole["digest"]


@pytest.mark.parametrize(
    "change",
    [
        {"ARGOS_FULL_EVERY": "0"},
        {"ARGOS_HEARTBEAT": "0"},
        {"ARGOS_HOST_ID": "docker-2"},
        {"ARGOS_STATE": "/proc/nowhere"},
    ],
)
def test_a_whole_report_whenever_it_may_be_needed(
    agent: PushAgent, receiver: Receiver, change: dict[str, str]
) -> None:
    """When the last is old, was another host's, or is not remembered; or when nobody wants heartbeats."""
    agent(**change)
    agent(**{name: value for name, value in change.items() if name != "ARGOS_HOST_ID"})
    assert all("containers" in body for body in _bodies(receiver))


def test_a_report_that_was_refused_is_not_remembered(agent: PushAgent, receiver: Receiver) -> None:
    receiver.script.append(Answer(400))
    assert [agent().returncode for _ in range(2)] == [8, 0]
    assert all("containers" in body for body in _bodies(receiver))


# --- over time


def test_the_loop_goes_on_until_it_is_ended(agent: PushAgent, receiver: Receiver) -> None:
    """Also after a failure; told to end, it ends at once and well."""
    receiver.script.append(Answer(401))
    command = ["bash", str(agent.script), "--loop", "1"]
    with (agent.home / "log").open("w") as log:
        loop = subprocess.Popen(command, env=agent.environment(), stderr=log)
        try:
            receiver.wait_for(3)
            loop.send_signal(signal.SIGTERM)
            assert loop.wait(60) == 0
        finally:
            loop.kill()
    assert "the next attempt is in 1 s" in (agent.home / "log").read_text()


def test_a_container_that_goes_while_it_is_looked_at(
    agent: PushAgent, make_engine: Callable[..., None]
) -> None:
    """`inspect` fails then, though all is well: it looks again. One that always fails is no empty host."""
    (agent.home / "inspect.json").write_text(json.dumps(_CONTAINER))
    listing = """ps) echo '{"seen":"status","id":"c0ffee","status":"Up"}' ;;"""
    once = (
        f"[ -e {agent.home}/once ] || {{ touch {agent.home}/once; exit 1; }}; cat {agent.home}/inspect.json"
    )
    make_engine(listing, f"inspect) {once} ;;")
    assert list(agent.printed()) == ["app"]
    make_engine(listing, "inspect) echo []; exit 1 ;;")
    done = agent("--print")
    assert (done.returncode, done.stdout) == (5, "")
    assert "cannot tell about all of its containers" in done.stderr


def test_what_came_is_what_was_printed(agent: PushAgent, receiver: Receiver) -> None:
    """`--print` is the report itself, but for times and the digest."""

    def lasting(report: dict[str, object]) -> dict[str, object]:
        containers = report["containers"]
        assert isinstance(containers, list)
        plain = [{**container, "status": ""} for container in containers]
        return {**report, "containers": plain, "reportedAt": "", "digest": ""}

    printed = json.loads(agent("--print").stdout)
    agent()
    assert lasting(printed) == lasting(_bodies(receiver)[0])


def test_no_file_of_the_package_is_missing(script: Path) -> None:
    """What docs/docker-agent.md tells to install; the script can be run as it is."""
    names = {"argos-docker-agent.service", "argos-docker-agent.timer", "argos-docker-agent.cron", "agent.env"}
    assert names <= {found.name for found in script.parent.iterdir()}
    assert script.stat().st_mode & stat.S_IXUSR
