"""Secrets never leave the host: neither the values of variables, nor what is hidden in other texts."""

import json
from collections.abc import Callable

import pytest

from argos_gitops.model.masking import masked_setting, masked_text, masked_variable
from tests.components.docker import RealDockerd
from tests.providers.docker.push.conftest import PushAgent

_C = "canary-0815"

ARGUMENTS = [
    ["--password", _C],
    [f"--password={_C} with words"],
    ["--api-key", f"{_C}'s"],
    ["-e", f"DB_TOKEN={_C}"],
    ["-u", f"admin:{_C}"],
    [f"postgres://app:{_C}@db/app?sslmode=disable"],
    [f"redis://:{_C}@cache:6379/0"],
    [f"https://user:with@{_C}@example.com/path"],
    ["redis-cli", "-a", _C, "ping"],
    ["mysqladmin", f"-p{_C}", "ping"],
    ["sh", "-c", f'export DB_PASSWORD=\'{_C} and more\'; exec app --token {_C} # {{"secret": "{_C}"}}'],
    ["sh", "-c", f"mysql -uroot -p{_C} -e 'select 1' && redis-cli -h cache -a {_C} ping"],
    ["sh", "-c", f"curl -H 'Authorization: Bearer {_C}' -u joe:{_C} https://example.com"],
    [f"--header=Authorization: Basic {_C}"],
    [f"-----BEGIN RSA PRIVATE KEY-----\n{_C}\n-----END RSA PRIVATE KEY-----\n"],
]
VALUES = [
    f"postgres://app:{_C}@db/app",
    f"smtp://{_C}@mail.example.com:587",
    f"Bearer {_C}-and-long-enough",
    f'{{"auth": {{"password": "{_C}"}}}}',
    f"user:$2y$05${_C}",
    f"admin:$$apr1$$x${_C}",
    f"admin:{{SHA}}{_C.replace('-', '+')}=",
    f"ghp_{'a' * 30}{_C.replace('-', '_')}",
    f"-----BEGIN PRIVATE KEY-----\n{_C}",
]
NAMES = ["DB_PASSWORD", "api_token", "X-Api-Key", "client.secret", "AWS_CREDENTIALS", "PrivateThing"]
PLAIN = [
    "production",
    "http://db:5432/path?x=y@z",
    "a b  c",
    "--flag",
    "üñí – ✓",
    "'quoted' \"twice\"",
    "C:\\x",
    "",
]


@pytest.fixture
def inspected(make_engine: Callable[..., None], agent: PushAgent) -> Callable[..., None]:
    """An engine with one container, of which this is what `inspect` tells."""

    def tell(**config: object) -> None:
        log_config = config.pop("LogConfig", {})
        container = {
            "Id": "c0ffee",
            "Name": "/app",
            "Config": {"Image": "app:1", **config},
            "State": {"Status": "running", "Running": True},
            "HostConfig": {"LogConfig": log_config},
        }
        (agent.home / "inspect.json").write_text(json.dumps(container))
        make_engine(
            """ps) echo '{"seen":"status","id":"c0ffee","status":"Up"}' ;;""",
            f"inspect) cat {agent.home}/inspect.json ;;",
        )

    return tell


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda arguments: " ".join(arguments)[:24])
def test_no_secret_of_a_command(
    agent: PushAgent, inspected: Callable[..., None], arguments: list[str]
) -> None:
    """Options, variables, URLs and scripts; the server, which looks again, finds nothing more."""
    inspected(Cmd=["app", *arguments, "--verbose"])
    command = agent.printed()["app"]["command"]
    assert "0815" not in command
    assert "********" in command
    assert command.startswith("app ")
    assert command.endswith(" --verbose")
    assert masked_text(command) == command


def test_no_secret_of_variables_labels_and_log_options(
    agent: PushAgent, inspected: Callable[..., None]
) -> None:
    """By their names, and by what is in them; what is no secret stays as it is."""
    secret = dict.fromkeys(NAMES, _C) | {f"PART_{number}": value for number, value in enumerate(VALUES)}
    plain = {f"PLAIN_{number}": value for number, value in enumerate(PLAIN)}
    settings = {**secret, **plain, "com.example.token.enabled": "true"}
    inspected(
        Env=[f"{name}={value}" for name, value in {**secret, **plain}.items()],
        Labels=settings,
        LogConfig={"Type": "splunk", "Config": settings},
    )
    found = agent.printed()["app"]
    variables = {variable["key"]: variable["value"] for variable in found["env"]}
    for masked in (variables, found["labels"], found["security"]["logOptions"]):
        assert [name for name, value in masked.items() if "0815" in value] == []
        assert {name: masked[name] for name in NAMES} == dict.fromkeys(NAMES, "********")
        assert {name: masked[name] for name in plain} == plain
        assert masked == {name: masked_text(value) for name, value in masked.items()}
    assert found["labels"]["com.example.token.enabled"] == "true"
    assert variables == {name: masked_variable(name, value) for name, value in {**secret, **plain}.items()}
    assert found["labels"] == {name: masked_setting(name, value) for name, value in settings.items()}


def test_a_command_reads_as_a_shell_would_be_told(agent: PushAgent, inspected: Callable[..., None]) -> None:
    """Quoted where it must be; the entry point where there is no command."""
    inspected(Cmd=["nginx", "-g", "daemon off;", "it's", ""])
    assert agent.printed()["app"]["command"] == "nginx -g 'daemon off;' 'it'\\''s' ''"


def test_fm13_no_canary_leaves_a_real_engine(
    docker_agent: PushAgent, dockerd: RealDockerd, project: str
) -> None:
    """All of it at once, from containers that run: not in the report, nor in what is said about it."""
    variables = [part for number, value in enumerate(VALUES) for part in ("--env", f"V{number}={value}")]
    labels = [part for name in NAMES for part in ("--label", f"{name}={_C}")]
    for arguments in ARGUMENTS:
        name = dockerd.new_name("app")
        mine = ["--name", name, "--label", f"com.docker.compose.project={project}"]
        dockerd.run("create", *mine, *variables, *labels, dockerd.sleep, "sleep", *arguments)
    done = docker_agent("--print", "--verbose")
    assert done.returncode == 0
    assert "0815" not in done.stdout + done.stderr
    assert done.stdout.count("********") > len(ARGUMENTS) * (len(VALUES) + len(NAMES))
