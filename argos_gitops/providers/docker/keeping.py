"""Small files of ours that may be lost at any time: to know what they hold only saves asking."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson


def kept_json(path: Path) -> Any:
    """What was kept; None where nothing readable is."""
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None


def keep_json(path: Path, content: Any) -> None:
    """All or nothing; a folder that cannot be written to is no failure."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(content))
        Path(name).replace(path)
