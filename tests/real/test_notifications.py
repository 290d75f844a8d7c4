"""Notifications as people get them: from a repository, real components, and the commands."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.components.caddy import RealCaddy
from tests.components.receiver import Answer, Receiver
from tests.real.estate import Estate, document, edge, host

TOKEN = "Bearer canary-token-77"


def told(receiver: Receiver) -> list[str]:
    found = [each for one in receiver.received for each in json.loads(one.body)["events"]]
    return [f"{each['name']} {each['subject']}".rstrip() for each in found]


def estate_with(tmp_path: Path, caddy: RealCaddy, receiver: Receiver, **rule: Any) -> Estate:
    estate = Estate(tmp_path, {"HOOK_TOKEN": TOKEN})
    hook = {"url": receiver.url, "headers": {"Authorization": {"env": "HOOK_TOKEN"}}}
    estate.write(
        "notify.yaml",
        document("NotificationChannel", "ops", {"webhook": hook}),
        document("NotificationRule", "all", {"channels": ["ops"], **rule}),
    )
    estate.write("edge.yaml", edge(caddy))
    estate.write("hosts.yaml", host("one", "text"))
    estate.push("a first revision")
    return estate


def test_fm11_an_apply_tells_what_it_did_and_that_it_failed(tmp_path: Path, caddy: RealCaddy) -> None:
    """One message each; nothing when there is nothing to tell; the failure as well as the success."""
    with Receiver() as receiver:
        estate = estate_with(tmp_path, caddy, receiver)
        assert estate.apply().code == 0
        assert estate.apply().code == 0
        assert told(receiver) == ["RevisionApplied Edge/main"]
        event = json.loads(receiver.received[0].body)["events"][0]
        assert event["text"].splitlines()[0] == "a first revision"
        assert receiver.received[0].headers["Authorization"] == TOKEN
        caddy.kill()
        assert estate.apply().code == 5
        assert estate.apply().code == 5
        assert told(receiver) == ["RevisionApplied Edge/main", "TargetUnreachable Edge/main"]


def test_what_one_apply_could_not_deliver_the_next_one_does(tmp_path: Path, caddy: RealCaddy) -> None:
    """An apply ends soon, whatever its receiver does; the message waits in the store without a secret."""
    with Receiver(Answer(503)) as receiver:
        estate = estate_with(tmp_path, caddy, receiver)
        first = estate.apply()
        assert (first.code, len(receiver.received)) == (0, 1)
        assert "notification_delayed" in first.err
        estate.write("hosts.yaml", host("one", "another text"))
        estate.push("a second revision")
        deadline = time.monotonic() + 180
        while len(receiver.received) < 2 and time.monotonic() < deadline:
            assert estate.apply().code == 0
            time.sleep(1)
    ids = [each.headers["webhook-id"] for each in receiver.received]
    assert ids[0] == ids[1]
    stored = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert b"canary" not in stored
    assert "canary" not in first.err + first.out


def test_a_running_agent_tells_beginnings_and_ends(
    tmp_path: Path, make_caddy: Callable[..., RealCaddy]
) -> None:
    """A Caddy that goes and comes back, and a revision that is rejected and mended: two messages each."""
    caddy = make_caddy()
    with Receiver() as receiver:
        estate = estate_with(tmp_path, caddy, receiver)
        estate.write("agent.yaml", document("Agent", "agent", {"interval": "1s"}))
        estate.push()
        estate.environment["ARGOS_LISTEN"] = "off"
        with (tmp_path / "agent.log").open("wb") as log:
            agent = subprocess.Popen(
                estate.command("run"), cwd=tmp_path, env=estate.environ(), stdout=log, stderr=log
            )
        try:
            receiver.wait_for(1)
            estate.write("bad.yaml", {"kind": "Nonsense"})
            estate.push("nonsense")
            receiver.wait_for(2)
            (estate.work / "bad.yaml").unlink()
            estate.push("mended")
            receiver.wait_for(3)
            caddy.kill()
            estate.run("sync")
            receiver.wait_for(4)
            caddy.start()
            estate.run("sync")
            receiver.wait_for(5)
        finally:
            agent.send_signal(signal.SIGTERM)
            code = agent.wait(60)
    assert code == 0, (tmp_path / "agent.log").read_text()
    assert told(receiver)[:4] == [
        "RevisionApplied Edge/main",
        "ConfigurationRejected",
        "ConfigurationAccepted",
        "TargetUnreachable Edge/main",
    ]
    assert "TargetRecovered Edge/main" in told(receiver)[4:]
    assert b"canary" not in (tmp_path / "agent.log").read_bytes()


def test_a_test_message_can_be_asked_for(tmp_path: Path, caddy: RealCaddy) -> None:
    """It says what happened, and ends with 1 when it was not sent."""
    with Receiver(Answer(), Answer(403)) as receiver:
        estate = estate_with(tmp_path, caddy, receiver, events=["PassFailed"])
        sent = estate.run("doctor", "--send-test", "ops")
        assert (sent.code, told(receiver)) == (0, ["Test NotificationChannel/ops"])
        assert "a test message was sent" in sent.out
        refused = estate.run("doctor", "--send-test", "ops")
        assert (refused.code, "ChannelRefused: the webhook refuses: HTTP 403" in refused.out) == (1, True)
        unknown = estate.run("doctor", "--send-test", "opps")
        assert (unknown.code, "did you mean NotificationChannel/ops" in unknown.err) == (1, True)
        estate.environment.pop("HOOK_TOKEN")
        missing = estate.run("doctor", "--send-test", "ops")
        assert (missing.code, "SecretMissing" in missing.out) == (1, True)
    assert "canary" not in "".join(each.out + each.err for each in (sent, refused, missing))
