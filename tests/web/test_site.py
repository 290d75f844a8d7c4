"""What holds for every answer."""

import re
from pathlib import Path
from typing import NoReturn

import pytest

from tests.web.running import AS_OPERATOR, RunningSite


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/api/status", "/nothing", "/"])
def test_every_answer_is_guarded(site: RunningSite, path: str) -> None:
    """Security headers on good and bad answers alike, an id, and no word about what we run on."""
    answer = site.client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-ID"])
    assert "Server" not in answer.headers


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("x" * 65, False), ("a b", False), ("<script>", False), ("", False)],
)
def test_a_request_keeps_its_id_if_that_is_one(site: RunningSite, given: str, kept: bool) -> None:
    answer = site.client.get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept


def test_what_is_not_there(site: RunningSite) -> None:
    answer = site.client.get("/admin.php")
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_a_crash_tells_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither where it happened nor why; the log has both."""

    def fail() -> NoReturn:
        raise ZeroDivisionError("with a secret in it")

    with RunningSite(tmp_path, expose=fail) as site:
        answer = site.client.get("/metrics")
    assert (answer.status_code, answer.json()["error"]) == (500, "InternalError")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("header", [{}, {"X-Forwarded-For": "203.0.113.7"}])
def test_metrics_are_for_this_machine_and_for_whoever_has_the_token(
    site: RunningSite, header: dict[str, str]
) -> None:
    """A proxy in front of us must not publish them by accident."""
    answer = site.client.get("/metrics", headers=header)
    assert answer.status_code == (401 if header else 200)
    with_token = site.client.get("/metrics", headers=header | AS_OPERATOR)
    assert with_token.status_code == 200
    assert with_token.headers["Content-Type"].startswith("text/plain; version=")
