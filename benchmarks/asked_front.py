"""A front that knows one ban, of this or of another checkout: `python asked_front.py FOLDER LAPI FAIL-MODE`.

Prints one JSON line, where it listens and the handler that the checkout gives Caddy, and ends with its input.
Uses nothing that the versions to be compared do not share.
"""

import json
import os
import sys
import time
from inspect import signature
from pathlib import Path
from typing import Any

import httpx

from argos_gitops.app.bouncers import message_of
from argos_gitops.app.front import Front
from argos_gitops.app.log import Log
from argos_gitops.app.settings import load_settings
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.verdict import BouncerConfig
from argos_gitops.providers.caddy.forward_auth import ForwardAuth
from argos_gitops.providers.crowdsec.settings import BouncerSpec


def _front(folder: Path) -> Front:
    """Its environment leads the processes that it starts to the same checkout."""
    environment = {"HOME": str(folder), "PYTHONPATH": os.environ["PYTHONPATH"]}
    settings = load_settings({"listen": "127.0.0.1:0", "state_dir": str(folder)}, environment, folder)
    given: list[Any] = [settings, environment, lambda why: None, Log()]
    if "metrics" in signature(Front).parameters:  # older ones want a folder for them
        given.append(folder)
    return Front(*given)


def main() -> None:
    folder, lapi, fail_mode = sys.argv[1:]
    options = {"lapi_url": lapi, "fail_mode": fail_mode, "poll_interval": "3", "away_after": "300"}
    front = _front(Path(folder))
    front.start()
    try:
        config = BouncerConfig("crowdsec", options, SecretValue("key"))
        front.configure({"bouncers": message_of({"main": config})})
        url = f"http://{front.address}"
        while httpx.get(f"{url}/auth/forward/main?client=127.0.0.2", timeout=60).status_code != 403:
            time.sleep(0.05)
        given = {"mode": "forward-auth", "key": {"env": "KEY"}, "agentUrl": url, "failMode": fail_mode}
        spec = BouncerSpec.model_validate(given)
        handler = ForwardAuth("main", url, spec.timeout, closed=fail_mode == "closed").handler()
        print(json.dumps({"address": front.address, "handler": handler}), flush=True)
        sys.stdin.read()
    finally:
        front.stop(5)


if __name__ == "__main__":
    main()
