"""Reports that fail are told of, once, and that they work again."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from argos_gitops.model.errors import ReportError
from argos_gitops.notify.watched import Watched
from argos_gitops.ports.store import Untold
from argos_gitops.store.status import SqlStatusStore
from tests.components.receiver import Receiver
from tests.fakes import START, Listener, SteppingClock, box
from tests.notify.world import channel_resource, notifications, resources, rule
from tests.reconcile.bench import make_bench


def test_a_status_branch_that_cannot_be_written_is_told(
    engine: Engine, receiver: Receiver, tmp_path: Path
) -> None:
    bench = make_bench(tmp_path / "bench")
    bench.source.commit(box())
    result = bench.apply()
    people = notifications(engine)
    people.configure(resources(channel_resource("ops", webhook={"url": receiver.url}), rule("ops")))
    listener = Listener()
    statuses = SqlStatusStore(engine, "test")
    watched = Watched("status branch", listener, people, statuses, SteppingClock())
    watched.report(result)
    listener.error = ReportError("others were faster 8 times")
    for _ in range(3):
        with pytest.raises(ReportError):
            watched.report(result)
    assert statuses.untold() == {
        "status branch": Untold("ReportFailed", "others were faster 8 times", START + timedelta(seconds=1))
    }
    listener.error = None
    watched.report(replace(result, result="Declined"))
    assert statuses.untold(), "a pass that is not told proves nothing"
    for _ in range(3):
        watched.report(result)
    assert not statuses.untold()
    people.finish()
    (received,) = receiver.received
    events = json.loads(received.body)["events"]
    assert [(each["name"], each["subject"]) for each in events] == [
        ("ReportFailed", "status branch"),
        ("ReportRecovered", "status branch"),
    ]
    assert events[0]["text"] == "others were faster 8 times"
    assert len(listener.results) == 5
