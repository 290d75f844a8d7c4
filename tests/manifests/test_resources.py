"""Sets of resources that build a kind when it is asked for."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from argos_gitops.manifests.resources import KindwiseResources, replaced
from argos_gitops.model.resource import AnyResource, EagerResources
from tests.fakes import box, thing


def test_nobody_is_told_that_a_kind_is_empty_while_it_is_built() -> None:
    """Two systems are compiled side by side; one that saw no resources would remove all of them."""
    begun, go_on = threading.Event(), threading.Event()

    def build() -> Mapping[str, AnyResource]:
        begun.set()
        assert go_on.wait(30)
        return {"one": thing("one", "1")}

    resources = KindwiseResources("", {"Thing": 1}, {"Thing": build})
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(resources.of_kind, "Thing")
        assert begun.wait(30)
        second = pool.submit(resources.of_kind, "Thing")
        threading.Timer(0.1, go_on.set).start()
        assert list(first.result()) == list(second.result()) == ["one"]


def test_some_in_the_place_of_others_and_some_beside_them() -> None:
    """In name order, with another fingerprint, and kinds that nobody touched as they were."""
    base = EagerResources([box(), thing("one", "1"), thing("three", "3")], "base")
    others = {each.key: each for each in (thing("one", "9"), thing("two", "2"))}
    found = replaced(base, others)
    assert {name: each.spec.value for name, each in found.of_kind("Thing").items()} == {  # type: ignore[attr-defined]
        "one": "9",
        "three": "3",
        "two": "2",
    }
    assert list(found.of_kind("Thing")) == ["one", "three", "two"]
    assert found.kinds() == {"Box": 1, "Thing": 3}
    assert len(found) == 4
    assert found.fingerprint != base.fingerprint
    assert found.of_kind("Box") == base.of_kind("Box")
