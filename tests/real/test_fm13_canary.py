"""Failure mode 13: a secret that stands wherever one can stand is seen nowhere but there."""

import json
import os
import subprocess
import threading
from pathlib import Path

from argos_gitops.planning.render.markdown import escape
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.sops import RealSops
from tests.real.estate import PASSWORD, Estate, ban, edge, host

# Of letters and digits, and braces that Caddy must not take for a placeholder: Markdown escapes all else, and
# what is escaped would not be found.
OLD, NEW, INLINE, TOKEN = "canaryold5b1f", "canarynew77c2", "canaryinline9d0e", "canarytoken31aa"
SEALED, RESEALED = "canarysealed{old}4f19", "canarysealed{new}a80d"
CANARIES = (OLD, NEW, INLINE, TOKEN, SEALED, RESEALED)


class _Arguments:
    """Looks over the shoulder of a command: the argument lists of all processes while it runs."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "_Arguments":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    self.seen.add(
                        (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    )
                except OSError:
                    continue


def _estate(tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, sops: RealSops) -> Estate:
    estate = Estate(
        tmp_path,
        {
            PASSWORD: crowdsec.machine_password,
            "UPSTREAM_TOKEN": NEW,
            "ARGOS_GIT_TOKEN": TOKEN,
            "ARGOS_AGE_KEY": sops.key,
        },
    )
    estate.write("edge.yaml", edge(caddy, crowdsec))
    named = {"Authorization": {"env": "UPSTREAM_TOKEN"}, "Accept": {"sops": "sealed.yaml#key"}}
    sealed = {"X-Sealed": {"sops": "sealed.yaml#key"}}
    headers = {"request": {"set": named}, "response": {"set": sealed}}
    estate.write("hosts.yaml", host("one", "text", headers=headers))
    _seal(estate, sops, SEALED)
    estate.write("bans.yaml", ban("one", "100.64.0.1"))
    estate.push()
    return estate


def _seal(estate: Estate, sops: RealSops, value: str) -> None:
    (estate.work / "sealed.yaml").write_bytes(sops.encrypt("sealed.yaml", json.dumps({"key": value})))


def _live_with_inline_secrets(caddy: RealCaddy) -> None:
    """What somebody configured by hand: a header and DNS credentials in plain text."""
    route = {
        "@id": "argos-host-one",
        "match": [{"host": ["one.example.com"]}],
        "handle": [
            {"handler": "headers", "request": {"set": {"Authorization": [f"Bearer {OLD}"]}}},
            {"handler": "static_response", "body": "text"},
        ],
        "terminal": True,
    }
    server = {"listen": [f"127.0.0.1:{caddy.http_port}"], "routes": [route]}
    caddy.load({"apps": {"http": {"servers": {"argos": {**server, "automatic_https": {"disable": True}}}}}})


def test_fm13_a_canary_shows_nowhere(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, sops: RealSops
) -> None:
    """Old and new values, live plain text, a wrong password, an inline secret, a token: all hidden."""
    _live_with_inline_secrets(caddy)
    estate = _estate(tmp_path, caddy, crowdsec, sops)
    sealed = (SEALED, RESEALED)
    canaries = (*CANARIES, *(each.replace("{", "\\{") for each in sealed), *map(escape, sealed))
    canaries = (*canaries, crowdsec.machine_password, sops.key)
    out = tmp_path / "plan.json"
    with _Arguments() as arguments:
        finished = [estate.run("plan", "-o", form) for form in ("text", "json", "markdown", "github")]
        finished.append(estate.run("plan", "--out", str(out)))
        first = estate.run("plan")
        finished += [
            first,
            estate.apply("--approve", json.loads(estate.run("plan", "-o", "json").out)["digest"]),
        ]
        finished += [estate.run(*command) for command in (["status"], ["drift"], ["history"], ["doctor"])]
        finished += [estate.run(command, "Host/one") for command in ("explain", "render")]
        _seal(estate, sops, RESEALED)
        estate.push("rotate")
        finished += [estate.run("plan", "-o", form) for form in ("text", "json", "markdown", "github")]
        assert "secret rotated" in finished[-4].out
        finished.append(estate.apply())
        assert caddy.get("one.example.com").headers["X-Sealed"] == RESEALED
        estate.environment[PASSWORD] = NEW
        finished += [estate.run("plan"), estate.apply()]
        estate.write(
            "hosts.yaml", host("one", "text", headers={"request": {"set": {"Authorization": [INLINE]}}})
        )
        inline = edge(caddy, crowdsec)
        inline["spec"]["crowdsec"]["machine"]["password"] = INLINE
        estate.write("edge.yaml", inline)
        estate.push()
        finished += [estate.run("validate"), estate.run("validate", "-o", "json"), estate.apply()]
        estate.environment["ARGOS_REPO"] = f"http://user:{TOKEN}@127.0.0.1:1/config.git"
        finished += [estate.run("plan"), estate.run("doctor"), estate.apply()]
    assert any("Authorization" in each.out for each in finished), "the change itself must still be told"
    texts = [each.out + each.err for each in finished] + [out.read_text(), *arguments.seen]
    for text in texts:
        assert not [canary for canary in canaries if canary in text], text
    _assert_clean_files(estate, canaries)


def _assert_clean_files(estate: Estate, canaries: tuple[str, ...]) -> None:
    """Neither the state nor the status branch. The repository holds the inline one itself."""
    history = subprocess.run(
        ["git", "log", "-p", "--all", "--", "*status*", "README.md", "drift.md", "resources", "plans"],
        cwd=estate.repository,
        capture_output=True,
        check=True,
    ).stdout
    for canary in canaries:
        assert canary.encode() not in history
    for root in ("state", "cache"):
        for folder, _, names in os.walk(estate.folder / root):
            for name in names:
                content = (Path(folder) / name).read_bytes()
                found = [canary for canary in canaries if canary.encode() in content]
                assert not [each for each in found if (root, each) != ("cache", INLINE)], name
