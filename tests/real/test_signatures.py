"""Commits that nobody trusted signed are not applied, and what was applied stays."""

from pathlib import Path

from tests.components.caddy import RealCaddy
from tests.components.signing import HOW_TO_GET_SSH_KEYGEN, ssh_signer
from tests.conftest import require_component
from tests.real.estate import Estate, edge, host


def _sign(estate: Estate, key: Path, *, on: bool) -> None:
    settings = {"gpg.format": "ssh", "user.signingKey": str(key), "commit.gpgSign": str(on).lower()}
    for name, value in settings.items():
        estate.git("config", name, value)


def test_an_unsigned_commit_is_told_and_changes_nothing(tmp_path: Path, caddy: RealCaddy) -> None:
    """Neither by apply nor by plan, nor when it is named; the next signed one is applied."""
    require_component("ssh-keygen", HOW_TO_GET_SSH_KEYGEN)
    alice = ssh_signer(tmp_path, "alice")
    signers = tmp_path / "allowed_signers"
    signers.write_text(f"alice@example.com {alice.public}\n")
    settings = {"ARGOS_VERIFY_COMMITS": "head", "ARGOS_ALLOWED_SIGNERS": str(signers)}
    estate = Estate(tmp_path, settings)
    estate.write("edge.yaml", edge(caddy))
    estate.write("hosts.yaml", host("one", "first"))
    _sign(estate, tmp_path / "alice.key", on=True)
    signed = estate.push("signed")
    assert estate.apply().code == 0
    estate.write("hosts.yaml", host("one", "second"))
    _sign(estate, tmp_path / "alice.key", on=False)
    unsigned = estate.push("unsigned")
    config = caddy.config()
    for arguments in (["plan"], ["apply", "--auto-approve"], ["plan", "--rev", unsigned]):
        refused = estate.run(*arguments)
        assert refused.code != 0
        assert "is not signed" in refused.err
        assert unsigned[:12] in refused.err
    assert caddy.config() == config
    status = estate.run("status", "-o", "json").out
    assert signed in status
    assert estate.run("plan", "--rev", signed).code == 0
    assert "UnverifiedCommit" in estate.run("history").out
    _sign(estate, tmp_path / "alice.key", on=True)
    estate.push("signed again")
    assert estate.apply().code == 0
    assert caddy.get("one.example.com").text == "second"
