"""Log lines, as they reach stderr."""

import json
import logging
from collections.abc import Iterator

import pytest

from argos_gitops.app.log import Log, adopt_library_logs
from argos_gitops.model.secret import SecretValue


@pytest.fixture
def restored_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_line_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    Log().info("pass_ended", target="Edge/main")
    captured = capfd.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert "pass_ended" in captured.err
    assert "target=Edge/main" in captured.err


def test_a_line_for_programs(capfd: pytest.CaptureFixture[str]) -> None:
    """One JSON object a line, whatever is in it."""
    Log("json").warning("pass_ended", message="two\nlines", count=2, targets=("a", "b"), none=None)
    line = json.loads(capfd.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "pass_ended",
        "level": "warning",
        "message": "two\nlines",
        "count": 2,
        "targets": ["a", "b"],
        "none": None,
    }


@pytest.mark.parametrize("form", ["console", "json"])
def test_fm13_no_secret_reaches_the_log(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    """By its type wherever it stands, and what stands in URLs, also in those that errors quote."""
    Log(form).error(
        "failed",
        secret=SecretValue("canary"),
        nested={"in": [SecretValue("canary")]},
        url="https://bot:canary@git.example.com/r.git",
        error=ValueError("GET https://bot:canary@git.example.com/?token=canary failed"),
    )
    line = capfd.readouterr().err
    assert "canary" not in line
    assert "git.example.com" in line


@pytest.mark.usefixtures("restored_root")
def test_what_libraries_warn_of(capfd: pytest.CaptureFixture[str]) -> None:
    """Warnings and errors with their traceback; not what they say besides."""
    adopt_library_logs(Log("json"))
    logging.getLogger("some.library").info("chatter")
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError:
        logging.getLogger("some.library").exception("it broke")
    line = json.loads(capfd.readouterr().err)
    assert (line["event"], line["level"], line["logger"]) == ("library", "error", "some.library")
    assert "ZeroDivisionError: oh" in line["message"]
