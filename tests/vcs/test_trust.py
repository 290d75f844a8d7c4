"""Commit verification with real git, ssh-keygen and gpg."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.vcs.acceptance import Acceptances
from argos_gitops.vcs.mirror import Mirror, Terms
from argos_gitops.vcs.signatures import Keys
from argos_gitops.vcs.trust import Trust
from tests.components.git import Origin
from tests.components.signing import (
    HOW_TO_GET_GPG,
    HOW_TO_GET_SSH_KEYGEN,
    NOBODY,
    OpenPgp,
    Signer,
    SigningWork,
    ssh_signer,
)
from tests.conftest import require_component
from tests.vcs.mirrors import mirror_of


@dataclass
class Scene:
    """A work tree to sign in, the mirror that reads it, two people with SSH keys of whom one is known."""

    work: SigningWork
    mirror: Mirror
    alice: Signer
    mallory: Signer
    signers: Path
    url: str

    def terms(self, *, strict: bool = False, allow_rewrite: bool = True) -> Terms:
        return Terms(allow_rewrite, Trust(Keys(allowed_signers=self.signers), strict, self.url))


@pytest.fixture
def scene(origin: Origin, tmp_path: Path) -> Scene:
    require_component("ssh-keygen", HOW_TO_GET_SSH_KEYGEN)
    alice, mallory = ssh_signer(tmp_path, "alice"), ssh_signer(tmp_path, "mallory")
    signers = tmp_path / "allowed_signers"
    signers.write_text(f"alice@example.com {alice.public}\n")
    work = SigningWork(origin, tmp_path / "work")
    return Scene(work, mirror_of(f"file://{origin.url}", tmp_path), alice, mallory, signers, origin.url)


@pytest.fixture
def openpgp() -> Iterator[OpenPgp]:
    require_component("gpg", HOW_TO_GET_GPG)
    keyring = OpenPgp()
    yield keyring
    keyring.close()


def _refusal(scene: Scene, terms: Terms, rev: str | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        scene.mirror.fetch(rev, terms)
    assert caught.value.reason == "UnverifiedCommit"
    return str(caught.value)


def test_a_commit_signed_by_a_known_key_is_read(scene: Scene) -> None:
    good = scene.work.commit(scene.alice)
    assert scene.mirror.fetch(terms=scene.terms()).sha == good


def test_an_unsigned_commit_is_refused_and_named(scene: Scene) -> None:
    bad = scene.work.commit(NOBODY)
    message = _refusal(scene, scene.terms())
    assert bad[:12] in message
    assert "is not signed" in message
    assert str(scene.signers) in message


def test_a_key_of_somebody_else_is_refused_with_its_fingerprint(scene: Scene) -> None:
    scene.work.commit(scene.mallory)
    message = _refusal(scene, scene.terms())
    assert scene.mallory.fingerprint in message
    assert "not among the known ones" in message


def test_a_key_for_another_purpose_is_refused(scene: Scene) -> None:
    """An allowed-signers line may limit its key to other namespaces than git's."""
    scene.signers.write_text(f'alice@example.com namespaces="file" {scene.alice.public}\n')
    scene.work.commit(scene.alice)
    _refusal(scene, scene.terms())


def test_a_key_that_was_valid_until_before_the_commit_is_refused(scene: Scene) -> None:
    scene.signers.write_text(f'alice@example.com valid-before="20200101" {scene.alice.public}\n')
    scene.work.commit(scene.alice)
    _refusal(scene, scene.terms())


def test_a_commit_changed_after_it_was_signed_is_refused(scene: Scene) -> None:
    signed = scene.work.commit(scene.alice)
    content = scene.work.git("cat-file", "commit", signed)
    forged = scene.work.folder / "forged"
    forged.write_text(content.replace("change 1", "change 2"))
    sha = scene.work.git("hash-object", "-t", "commit", "-w", str(forged)).strip()
    scene.work.git("push", "--quiet", "--force", "origin", f"{sha}:refs/heads/main")
    message = _refusal(scene, scene.terms())
    assert sha[:12] in message


def test_what_is_refused_is_not_accepted_later_and_the_next_good_one_is(scene: Scene) -> None:
    """`head` judges the newest alone; a refused commit never becomes the last accepted one."""
    scene.work.commit(scene.alice)
    terms = scene.terms()
    scene.mirror.fetch(terms=terms)
    scene.work.commit(NOBODY)
    _refusal(scene, terms)
    _refusal(scene, terms)
    good = scene.work.commit(scene.alice)
    assert scene.mirror.fetch(terms=terms).sha == good


def test_a_signer_who_is_taken_out_is_refused_at_the_next_fetch(scene: Scene) -> None:
    """Without a restart, and although nothing moved."""
    scene.work.commit(scene.alice)
    terms = scene.terms()
    scene.mirror.fetch(terms=terms)
    scene.signers.write_text(f"mallory@example.com {scene.mallory.public}\n")
    assert scene.alice.fingerprint in _refusal(scene, terms)


def test_a_commit_named_by_hand_is_judged_too(scene: Scene) -> None:
    """`--rev` and a pin are no way around."""
    unsigned = scene.work.commit(NOBODY)
    good = scene.work.commit(scene.alice)
    terms = scene.terms()
    assert scene.mirror.fetch(good, terms).sha == good
    _refusal(scene, terms, unsigned)
    _refusal(scene, terms, unsigned[:9])


def test_strict_refuses_an_unsigned_commit_below_a_signed_head(scene: Scene) -> None:
    scene.work.commit(scene.alice)
    terms = scene.terms(strict=True)
    scene.mirror.fetch(terms=terms)
    hidden = scene.work.commit(NOBODY, push=False)
    scene.work.commit(scene.alice)
    assert hidden[:12] in _refusal(scene, terms)
    assert scene.mirror.fetch(terms=scene.terms()).sha == scene.work.head(), "head alone would take it"


def test_strict_takes_many_signed_commits_at_once(scene: Scene) -> None:
    """More than the first step of the shallow history holds."""
    scene.work.commit(scene.alice)
    terms = scene.terms(strict=True)
    scene.mirror.fetch(terms=terms)
    for _ in range(5):
        scene.work.commit(scene.alice, push=False)
    scene.work.push()
    assert scene.mirror.fetch(terms=terms).sha == scene.work.head()


def test_strict_looks_at_merged_branches_down_to_where_they_left(scene: Scene) -> None:
    """The side branch is longer than the first steps reach, and its oldest commit is the unsigned one."""
    scene.work.commit(scene.alice)
    terms = scene.terms(strict=True)
    scene.mirror.fetch(terms=terms)
    scene.work.git("checkout", "--quiet", "-b", "side")
    hidden = scene.work.commit(NOBODY, push=False, files={"side.txt": "0"})
    for number in range(40):
        scene.work.commit(scene.alice, push=False, files={"side.txt": str(number + 1)})
    scene.work.git("checkout", "--quiet", "main")
    scene.work.merge("side", scene.alice)
    assert hidden[:12] in _refusal(scene, terms)


def test_strict_does_not_judge_what_was_there_before(scene: Scene) -> None:
    """A branch that left before the last accepted commit brings old, unsigned commits in its history."""
    scene.work.commit(NOBODY)
    base = scene.work.commit(NOBODY)
    scene.work.commit(scene.alice)
    terms = scene.terms(strict=True)
    scene.mirror.fetch(terms=terms)
    scene.work.git("checkout", "--quiet", "-b", "side", base)
    scene.work.commit(scene.alice, push=False, files={"side.txt": "0"})
    scene.work.git("checkout", "--quiet", "main")
    merged = scene.work.merge("side", scene.alice)
    assert scene.mirror.fetch(terms=terms).sha == merged


def test_strict_after_a_rewrite_judges_all_since_the_fork(scene: Scene) -> None:
    base = scene.work.commit(NOBODY)
    scene.work.commit(scene.alice)
    terms = scene.terms(strict=True)
    scene.mirror.fetch(terms=terms)
    scene.work.git("reset", "--quiet", "--hard", base)
    hidden = scene.work.commit(NOBODY, push=False)
    scene.work.commit(scene.alice)
    assert hidden[:12] in _refusal(scene, terms)
    scene.work.git("reset", "--quiet", "--hard", base)
    good = scene.work.commit(scene.alice)
    fetched = scene.mirror.fetch(terms=terms)
    assert (fetched.sha, fetched.events) == (good, ("history_rewritten",))


def test_refused_rewrites_and_refused_commits_do_not_get_in_each_others_way(scene: Scene) -> None:
    """Taking a refused commit back is no rewrite: it was never accepted."""
    good = scene.work.commit(scene.alice)
    terms = scene.terms(strict=True, allow_rewrite=False)
    scene.mirror.fetch(terms=terms)
    scene.work.commit(NOBODY)
    _refusal(scene, terms)
    scene.work.git("reset", "--quiet", "--hard", good)
    scene.work.push()
    assert scene.mirror.fetch(terms=terms).sha == good
    better = scene.work.commit(scene.alice)
    assert scene.mirror.fetch(terms=terms).sha == better


def test_openpgp_signatures_are_judged_by_the_given_keys_alone(
    scene: Scene, openpgp: OpenPgp, tmp_path: Path
) -> None:
    """A folder of keys serves too; an SSH signature beside them is refused, as no signers are named."""
    bob, eve = openpgp.signer("bob"), openpgp.signer("eve")
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "bob.asc").write_text(bob.public)
    terms = Terms(trust=Trust(Keys(openpgp=keys), strict=False, where=scene.url))
    good = scene.work.commit(bob)
    assert scene.mirror.fetch(terms=terms).sha == good
    scene.work.commit(eve)
    assert eve.fingerprint[-16:] in _refusal(scene, terms)
    scene.work.commit(scene.alice)
    _refusal(scene, terms)
    assert not list(Path(keys).glob("*.kbx")), "the keys are read, not worked in"


def test_openpgp_without_keys_is_no_signature_at_all(scene: Scene, openpgp: OpenPgp) -> None:
    scene.work.commit(openpgp.signer("bob"))
    assert "OpenPGP" in _refusal(scene, scene.terms())


@pytest.mark.parametrize(("end", "said"), [("expired", "expired"), ("revoked", "revoked")])
def test_an_openpgp_key_that_ended_is_refused(
    scene: Scene, openpgp: OpenPgp, tmp_path: Path, end: str, said: str
) -> None:
    bob = openpgp.signer("bob")
    scene.work.commit(bob)
    public = openpgp.expired(bob) if end == "expired" else openpgp.revoked(bob)
    (tmp_path / "bob.asc").write_text(public)
    trust = Trust(Keys(openpgp=tmp_path / "bob.asc"), strict=False, where=scene.url)
    message = _refusal(scene, Terms(trust=trust))
    assert said in message
    assert bob.fingerprint in message


LONG_AGO = {"GIT_COMMITTER_DATE": "2019-06-01T00:00:00Z", "GIT_AUTHOR_DATE": "2019-06-01T00:00:00Z"}


def _backdated(signer: Signer) -> Signer:
    """The same person, who says that it is 2019."""
    return replace(signer, environment={**signer.environment, **LONG_AGO})


def _until(scene: Scene, date: str) -> None:
    scene.signers.write_text(f'alice@example.com valid-before="{date}" {scene.alice.public}\n')


@dataclass
class Clock:
    """A time that a test sets, in seconds since 1970."""

    seconds: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.seconds


def _terms(
    scene: Scene, record: Path | None = None, clock: Clock | None = None, *, strict: bool = False
) -> Terms:
    """Those of one process; the next one has the `record`."""
    keys = Keys(allowed_signers=scene.signers)
    return Terms(trust=Trust(keys, strict, scene.url, Acceptances(record, clock or Clock())))


def test_an_expired_signer_cannot_backdate_a_commit(scene: Scene) -> None:
    """Its own date is before the key's end; the day on which it comes is not."""
    _until(scene, "20200101")
    bad = scene.work.commit(_backdated(scene.alice))
    message = _refusal(scene, scene.terms())
    assert bad[:12] in message
    assert "had expired when the commit came here" in message
    assert scene.alice.fingerprint in message


@pytest.mark.parametrize("principal", ["alice@example.com", "backup@example.com"])
def test_a_key_that_still_signs_files_cannot_backdate_a_commit(scene: Scene, principal: str) -> None:
    """Its end for commits is its end, whatever else it may sign afterwards and as whom."""
    scene.signers.write_text(
        f'alice@example.com namespaces="git",valid-before="20200101" {scene.alice.public}\n'
        f'{principal} namespaces="file" {scene.alice.public}\n'
    )
    bad = scene.work.commit(_backdated(scene.alice))
    message = _refusal(scene, scene.terms())
    assert bad[:12] in message
    assert "had expired when the commit came here" in message


def test_strict_refuses_a_backdated_commit_below_a_good_head(scene: Scene, tmp_path: Path) -> None:
    bob = ssh_signer(tmp_path, "bob")
    scene.signers.write_text(
        f'alice@example.com valid-before="20200101" {scene.alice.public}\nbob@example.com {bob.public}\n'
    )
    terms = scene.terms(strict=True)
    scene.work.commit(bob)
    scene.mirror.fetch(terms=terms)
    bad = scene.work.commit(_backdated(scene.alice), push=False)
    scene.work.commit(bob)
    assert bad[:12] in _refusal(scene, terms)


def test_what_was_accepted_stays_when_its_key_expires(scene: Scene, tmp_path: Path) -> None:
    """In the next process too, and where the mirror was thrown away; a new commit is refused."""
    _until(scene, "20300101")
    record, good = tmp_path / "state" / "accepted", scene.work.commit(scene.alice)
    scene.mirror.fetch(terms=_terms(scene, record))
    later = Clock(datetime(2031, 1, 1, tzinfo=UTC).timestamp())
    assert scene.mirror.fetch(terms=_terms(scene, record, later)).sha == good
    shutil.rmtree(scene.mirror.folder)
    assert scene.mirror.fetch(terms=_terms(scene, record, later)).sha == good
    assert record.stat().st_mode & 0o077 == 0
    scene.work.commit(scene.alice)
    assert "had expired" in _refusal(scene, _terms(scene, record, later))


def test_without_its_record_an_old_commit_comes_today(scene: Scene, tmp_path: Path) -> None:
    _until(scene, "20300101")
    scene.work.commit(scene.alice)
    scene.mirror.fetch(terms=_terms(scene, tmp_path / "one"))
    later = Clock(datetime(2031, 1, 1, tzinfo=UTC).timestamp())
    assert "had expired" in _refusal(scene, _terms(scene, tmp_path / "another", later))


def test_a_date_before_the_acceptance_ends_it(scene: Scene, tmp_path: Path) -> None:
    """A key is given an end in the past when it was stolen, and one that is taken out counts at once."""
    record = tmp_path / "accepted"
    scene.work.commit(_backdated(scene.alice))
    scene.mirror.fetch(terms=_terms(scene, record))
    _until(scene, "20200101")
    assert "had expired" in _refusal(scene, _terms(scene, record))
    scene.signers.write_text(f"mallory@example.com {scene.mallory.public}\n")
    assert "not among the known ones" in _refusal(scene, _terms(scene, record))


def test_an_openpgp_key_that_expires_later_ends_nothing_that_was_accepted(
    scene: Scene, openpgp: OpenPgp, tmp_path: Path
) -> None:
    """gpg judges by the clock. A key that was revoked counts at once, unless it had expired before."""
    bob, keys = openpgp.signer("bob"), Keys(openpgp=tmp_path / "bob.asc")
    good = scene.work.commit(bob)

    def terms() -> Terms:
        return Terms(
            trust=Trust(keys, strict=False, where=scene.url, accepted=Acceptances(tmp_path / "accepted"))
        )

    (tmp_path / "bob.asc").write_text(bob.public)
    assert scene.mirror.fetch(terms=terms()).sha == good
    (tmp_path / "bob.asc").write_text(openpgp.expired(bob))
    assert scene.mirror.fetch(terms=terms()).sha == good
    carol = openpgp.signer("carol")
    latest = scene.work.commit(carol)
    (tmp_path / "bob.asc").write_text(carol.public)
    assert scene.mirror.fetch(terms=terms()).sha == latest
    (tmp_path / "bob.asc").write_text(openpgp.revoked(carol))
    assert "revoked" in _refusal(scene, terms())


def test_configuration_of_the_user_and_the_mirror_does_not_decide(scene: Scene, tmp_path: Path) -> None:
    """A gpg.ssh.program that says yes to everything is not asked."""
    scene.work.commit(scene.mallory)
    yes = tmp_path / "yes"
    yes.write_text(
        "#!/bin/sh\necho 'Good \"git\" signature for alice@example.com with ED25519 key SHA256:x'\n"
    )
    yes.chmod(0o755)
    scene.mirror.prepare()
    for name in ("gpg.program", "gpg.ssh.program", "gpg.openpgp.program"):
        scene.mirror.repository.git.run("config", name, str(yes))
    lenient = tmp_path / "lenient"
    lenient.write_text(f"mallory@example.com {scene.mallory.public}\n")
    scene.mirror.repository.git.run("config", "gpg.ssh.allowedSignersFile", str(lenient))
    _refusal(scene, scene.terms())
