"""`token`: what is printed where, and what is kept of it."""

import json
from pathlib import Path

from tests.cli.test_commands import run


def test_a_token_is_printed_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    """Alone on stdout, for whoever writes it to a file."""
    created = run(tmp_path, "token", "create", "vm-1")
    token = created.out.strip()
    assert created.code == 0
    assert len(token) >= 43
    assert token not in created.err
    listed = run(tmp_path, "token", "list")
    assert "vm-1" in listed.out
    assert token not in listed.out
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("argos.db*"))
    assert token.encode() not in stored


def test_each_deed_stands_in_the_audit_log(tmp_path: Path) -> None:
    run(tmp_path, "token", "create", "vm-1")
    run(tmp_path, "token", "rotate", "vm-1", "--grace", "1h")
    run(tmp_path, "token", "revoke", "vm-1")
    run(tmp_path, "token", "revoke", "vm-1", "--forget")
    entries = json.loads(run(tmp_path, "audit", "-o", "json").out)
    assert [entry["action"] for entry in entries] == [
        "forget-host",
        "revoke-token",
        "rotate-token",
        "create-token",
    ]
    assert {entry["subject"] for entry in entries} == {"docker-agent/vm-1"}


def test_rotation_keeps_the_old_one_for_a_while(tmp_path: Path) -> None:
    first = run(tmp_path, "token", "create", "vm-1").out
    second = run(tmp_path, "token", "rotate", "vm-1")
    assert second.code == 0
    assert second.out != first
    states = [each["state"] for each in json.loads(run(tmp_path, "token", "list", "-o", "json").out)]
    assert states == ["valid", "replaced"]
    run(tmp_path, "token", "revoke", "vm-1")
    states = [each["state"] for each in json.loads(run(tmp_path, "token", "list", "-o", "json").out)]
    assert states == ["ended", "ended"]


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    run(tmp_path, "token", "create", "vm-1")
    again = run(tmp_path, "token", "create", "vm-1")
    assert (again.code, again.out) == (1, "")
    assert "token rotate vm-1" in again.err
    missing = run(tmp_path, "token", "rotate", "vm-2")
    assert (missing.code, missing.out) == (1, "")
    assert "token create vm-2" in missing.err
    assert run(tmp_path, "token", "revoke", "vm-2").code == 1
    assert run(tmp_path, "token", "create", "../x").code == 1
