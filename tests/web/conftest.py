"""The site that most tests of this room ask."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from argos_gitops.app.stores import Stores
from tests.web.running import RunningSite


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., RunningSite]]:
    """Starts a site whose surroundings differ in the given fields."""
    with ExitStack() as running:

        def make(readers: Stores | None = None, **changed: object) -> RunningSite:
            return running.enter_context(RunningSite(tmp_path, readers, **changed))

        yield make


@pytest.fixture
def site(make_site: Callable[..., RunningSite]) -> RunningSite:
    return make_site()
