"""A secret shows a mask wherever it is turned into text, by its type alone."""

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from argos_gitops.app.discovery import kind_registry
from argos_gitops.app.log import Log
from argos_gitops.app.settings import load_settings
from argos_gitops.manifests.loader import Loader
from argos_gitops.model.errors import ArgosError, SettingsError
from argos_gitops.model.secret import MASK, SecretRef, SecretValue
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.environment import Credentials
from tests.manifests.revisions import Revision, load_with
from tests.secrets.vaults import identities

CANARY = "canary-5d0c"
SECRET = SecretValue(CANARY)


@dataclass(frozen=True)
class _Holder:
    name: str
    value: SecretValue


class _Model(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    value: SecretValue


def _log(renderer: Any) -> str:
    written = io.StringIO()
    logger = structlog.wrap_logger(structlog.WriteLogger(written), processors=[renderer])
    logger.info("event", secret=SECRET, nested={"in": [SECRET]}, holder=_Holder("x", SECRET))
    return written.getvalue()


def _logged() -> str:
    record = logging.makeLogRecord({"msg": "with %s and %r", "args": (SECRET, [SECRET])})
    return logging.Formatter().format(record)


def _raised() -> str:
    try:
        raise ArgosError(f"wrong: {SECRET}") from ValueError(SECRET, {"key": SECRET})
    except ArgosError as error:
        return "".join(traceback.format_exception(error))


def _in_pydantic() -> str:
    with pytest.raises(ValidationError) as caught:
        SecretRef.model_validate({"env": SECRET, "file": [SECRET]})
    return f"{caught.value} {caught.value!r} {caught.value.errors()} {_Model(value=SECRET)!r}"


TEXTS: dict[str, Callable[[], str]] = {
    "str": lambda: str(SECRET),
    "repr": lambda: repr(SECRET),
    "format": lambda: f"{SECRET} {SECRET!r} {SECRET!s} {SECRET!a} {SECRET:>40} {SECRET:.3}",
    "percent": lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031 # it is what is tested
    "collections": lambda: f"{[SECRET]} {(SECRET,)} { {SECRET: SECRET} } { {SECRET} }",
    "dataclass": lambda: repr(_Holder("x", SECRET)),
    "json with a default": lambda: json.dumps({"a": SECRET}, default=str),
    "orjson with a default": lambda: orjson.dumps({"a": SECRET}, default=repr).decode(),
    "structlog for people": lambda: _log(structlog.dev.ConsoleRenderer(colors=False)),
    "structlog as JSON": lambda: _log(structlog.processors.JSONRenderer()),
    "structlog as keys": lambda: _log(structlog.processors.LogfmtRenderer(bool_as_flag=False)),
    "logging": _logged,
    "an exception and its cause": _raised,
    "pydantic": _in_pydantic,
    "a copy": lambda: repr([copy.copy(SECRET), copy.deepcopy({"a": SECRET}), replace(_Holder("x", SECRET))]),
    "what it is made of": lambda: f"{dir(SECRET)} {getattr(SECRET, '__dict__', '')}",
    "credentials": lambda: repr(Credentials(SECRET)),
    "an address": lambda: repr(parse_address(f"https://user:{CANARY}@git.example.com/config.git")),
    "identities": lambda: repr(identities(CANARY)),
}


@pytest.mark.parametrize("way", TEXTS)
def test_fm13_a_secret_is_masked_in(way: str) -> None:
    text = TEXTS[way]()
    assert CANARY not in text
    assert MASK in text or way in ("what it is made of", "identities")


@pytest.mark.parametrize("write", [json.dumps, orjson.dumps, pickle.dumps], ids=["json", "orjson", "pickle"])
def test_fm13_a_secret_cannot_be_written_down(write: Callable[[Any], Any]) -> None:
    """Whoever has to must reveal it on purpose."""
    with pytest.raises(TypeError) as caught:
        write({"a": SECRET})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("form", ["console", "json"])
def test_fm13_our_log_masks_secrets_however_deep(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    Log(form).warning("event", secret=SECRET, nested={"a": [{"b": SECRET}]}, error=ValueError(SECRET))
    told = capsys.readouterr().err
    assert "event" in told
    assert CANARY not in told


def test_fm13_settings_show_no_secret(tmp_path: Path) -> None:
    """Of all settings that are secret, in all ways to show them."""
    variables = {f"ARGOS_{name}": CANARY for name in ("GIT_TOKEN", "WEBHOOK_SECRET", "API_TOKEN", "AGE_KEY")}
    settings = load_settings({}, variables, tmp_path)
    assert CANARY not in f"{settings} {settings!r} {copy.deepcopy(settings)}"


def test_fm13_an_age_key_that_is_none_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        identities(f"AGE-SECRET-KEY-1{CANARY.upper()}").keys()
    assert CANARY.upper() not in f"{caught.value} {caught.value.__cause__}"


@given(st.sampled_from(["env", "file", "sops", "inline", "key", "list"]), st.booleans())
def test_fm13_a_secret_in_the_place_of_a_reference_is_not_repeated(how: str, nested: bool) -> None:
    """As the value, as a key, as a list; in a field that takes text too and in one that does not."""
    wrong = {"inline": CANARY, "key": {CANARY: None}, "list": [CANARY]}.get(how, {how: f"{CANARY} \t"})
    machine = {"id": "argos", "password": wrong}
    bouncer = {"mode": "module", "key": wrong if nested else {"env": "KEY"}}
    crowdsec = {"lapiUrl": "http://127.0.0.1:8081", "machine": machine, "bouncer": bouncer}
    edge = {
        "apiVersion": "argos.dev/v1",
        "kind": "Edge",
        "metadata": {"name": "main"},
        "spec": {"crowdsec": crowdsec},
    }
    loaded = load_with(Loader(kind_registry()), Revision({"edge.yaml": json.dumps(edge)}))
    if how != "file":
        assert loaded.problems
    assert CANARY not in " ".join(map(str, loaded.problems))
