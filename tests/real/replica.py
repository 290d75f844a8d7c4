"""One replica of three, as a program: `python -m tests.real.replica STORE NAME WORLD TARGET…`.

It shares the targets by leases as the agent does, and "applies" each again and again under its lock:
a line `begin FENCE NAME` in the file of the target, a little later `end FENCE NAME`.
"""

import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from argos_gitops.model.errors import TransientError
from argos_gitops.store.database import open_database
from argos_gitops.store.leases import SqlLeases
from argos_gitops.store.lock_leases import LeaseLocks

_SHARE_SECONDS = 3.0
_APPLY_SECONDS = 0.02


def main(url: str, name: str, world: Path, targets: list[str]) -> None:
    engine = open_database(url)
    leases = SqlLeases(engine, "one", name)
    locks = LeaseLocks(engine, "one", name, wait=timedelta(0))
    threading.Thread(target=_apply_for_ever, args=(leases, locks, world, name), daemon=True).start()
    while True:
        leases.share(targets)
        time.sleep(_SHARE_SECONDS)


def _apply_for_ever(leases: SqlLeases, locks: LeaseLocks, world: Path, name: str) -> None:
    while True:
        for target in sorted(leases.held()):
            with suppress(TransientError):  # the one before has not let go, or we were too late
                _apply(locks, world / target.replace("/", "-"), target, name)
        time.sleep(_APPLY_SECONDS)


def _apply(locks: LeaseLocks, place: Path, target: str, name: str) -> None:
    with locks.hold(target) as hold:
        for step in ("begin", "end"):
            hold.verify()
            with place.open("a") as file:
                file.write(f"{step} {hold.fence} {name}\n")
            time.sleep(_APPLY_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
