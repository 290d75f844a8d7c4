"""`scripts/demo`: one line for each step, and what the product says, indented below it."""

import argparse
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from demo.proof import DemoFailedError
from demo.stage import Stage
from demo.story import Story


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="argos-gitops live, on loopback.")
    parser.add_argument("--keep", action="store_true", help="stay up at the end, and print the addresses")
    keep = parser.parse_args().keep
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="argos-demo-") as folder, Stage(Path(folder)) as stage:
        try:
            Story(stage).tell()
            print(f"\nDone in {time.monotonic() - began:.0f} s.")
            if keep:
                _stay(stage)
        except DemoFailedError as failure:
            print(f"\nThe demo failed: {failure}\n\n{stage.caddy.log_tail(20)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nEnding everything.")
    return 0


def _stay(stage: Stage) -> None:
    print("Everything stays up until you press Ctrl-C.\n")
    print("\n".join(_addresses(stage)), flush=True)
    signal.pause()


def _addresses(stage: Stage) -> Iterable[str]:
    caddy = stage.caddy
    yield f"  the edge      http://127.0.0.1:{caddy.http_port}  https://127.0.0.1:{caddy.https_port}"
    yield f"                curl -k --resolve wiki.example.com:{caddy.https_port}:127.0.0.1 \\"
    yield f"                     https://wiki.example.com:{caddy.https_port}"
    yield f"  Caddy's API   {caddy.admin_url}/config/"
    if stage.crowdsec is not None:
        yield f"  LAPI          {stage.crowdsec.lapi_url}"
    yield f"  repository    git clone {stage.repository.bare}"
    yield f"\nTo run argos-gitops on it yourself:\n\n  . {_settings_file(stage)}"
    yield f"  {Path(sys.executable).with_name('argos-gitops')} plan"


def _settings_file(stage: Stage) -> Path:
    """The settings for a shell; a file, since a password is among them."""
    path = stage.folder / "settings.sh"
    path.touch(mode=0o600)
    path.write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in stage.settings().items())
    )
    return path


if __name__ == "__main__":
    sys.exit(main())
