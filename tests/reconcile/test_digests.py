"""What agents show of contents tells nothing about the secrets in them, and approvals still bind to it.

The contents of the toy world stand for secrets: whoever reads a plan knows everything but them and the key.
"""

import json
from pathlib import Path

import pytest

from argos_gitops.model.errors import StalePlanError
from argos_gitops.model.objects import digest_of
from argos_gitops.model.plan import Plan
from argos_gitops.planning import plan as planning
from argos_gitops.planning.render import json as as_json
from argos_gitops.ports.store import Converged
from tests.fakes import FakeSource, box, thing
from tests.reconcile.bench import Bench, make_bench


def agent(folder: Path, secret: str) -> Bench:
    folder.mkdir(exist_ok=True)
    source = FakeSource()
    source.commit(box(), thing("x", secret))
    return make_bench(folder, source)


def shown(plan: Plan) -> set[str]:
    """All digests that leave the agent with a plan."""
    document = json.loads(as_json.render(plan))
    return {document["digest"], *(system["live_fingerprint"] for system in document["systems"])}


def test_equal_secrets_in_two_stores_show_different_digests(tmp_path: Path) -> None:
    one, other = (agent(tmp_path / name, "hunter2").plan() for name in ("one", "other"))
    assert one.systems[0].changes == other.systems[0].changes
    assert not shown(one) & shown(other)


def test_equal_secrets_in_one_store_show_equal_digests(tmp_path: Path) -> None:
    first = agent(tmp_path, "hunter2")
    assert shown(first.restarted().plan()) == shown(first.plan())


def test_the_digest_of_a_known_secret_cannot_be_worked_out_from_repository_and_plan(tmp_path: Path) -> None:
    """Who guesses right makes the same contents, but neither the digest nor the fingerprint of them."""
    bench = agent(tmp_path / "real", "hunter2")
    guess = agent(tmp_path / "guess", "hunter2")
    for each in (bench, guess):
        each.apply()
        each.source.commit(box(), thing("x", "hunter3"))
    plan, guessed = bench.plan(), guess.plan()
    assert [str(change) for _, change in plan.changes()] == [str(change) for _, change in guessed.changes()]
    tried = {planning.assemble(plan.revision, guessed.systems, key).digest for key in (b"", b"0" * 32)}
    live = guess.world.fingerprint()
    assert not shown(plan) & {*tried, *shown(guessed), live, digest_of(live)}


def test_an_approval_of_before_digests_had_keys_approves_nothing(tmp_path: Path) -> None:
    bench = agent(tmp_path, "hunter2")
    plan = bench.plan()
    before = planning.assemble(plan.revision, plan.systems, b"").digest
    with pytest.raises(StalePlanError):
        bench.approve(before)
    assert bench.writes == 0
    assert bench.approve(plan.digest).result == "Applied"


def test_an_update_makes_no_drift_of_what_was_converged(tmp_path: Path) -> None:
    """What the store remembers of the time before is not believed once, and is as good as ever after that."""
    bench = agent(tmp_path, "hunter2")
    bench.apply()
    bench.apply()
    (system,) = bench.inventory.systems()
    known = bench.inventory.converged(system)
    assert known is not None
    unkeyed = bench.world.fingerprint()
    bench.inventory.set_converged(system, Converged(known.desired, unkeyed))
    again = bench.restarted()
    assert (again.apply().result, again.plan().empty) == ("NoChange", True)
    assert again.inventory.converged(system) == known
