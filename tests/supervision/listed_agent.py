"""`argos-gitops run` in a process that tells its threads, and raises SystemExit in all of them when asked to.

Arguments: the file to write the threads' names to, and the file whose coming asks to raise.
"""

import ctypes
import json
import sys
import threading
import time
from pathlib import Path

from argos_gitops.cli import main

_TELLER = "teller"
_OTHERS = ("MainThread", _TELLER, "ThreadPoolExecutor", "observe", "target", "fetch", "store")


def _ours() -> list[threading.Thread]:
    """Without the pools of libraries, whose threads outlive whatever their work raises."""
    return [each for each in threading.enumerate() if not each.name.startswith(_OTHERS)]


def _tell(names: Path, ask: Path) -> None:
    raised = False
    while True:
        if ask.exists() and not raised:
            raised = True
            for thread in _ours():
                ident = ctypes.c_ulong(thread.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))
        names.with_suffix(".new").write_text(json.dumps(sorted(each.name for each in _ours())))
        names.with_suffix(".new").replace(names)
        time.sleep(0.05)


threading.Thread(target=_tell, args=[Path(each) for each in sys.argv[1:]], name=_TELLER, daemon=True).start()
sys.argv[1:] = ["run"]
main()
