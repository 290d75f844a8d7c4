"""Taking a configuration apart and putting it together again."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.caddy.catalogue import Catalogue
from argos_gitops.providers.caddy.layout import put_together, take_apart

_TEXTS = st.sampled_from(["a.example.com", "*.example.com", "x", "", "argos-other"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


def _given(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name.rstrip("_"): each for name, each in fields.items()})


_ROUTE = _given(
    match=st.lists(_given(host=st.lists(_TEXTS, max_size=2), path=st.just(["/x"])), max_size=2),
    handle=st.lists(st.fixed_dictionaries({"handler": _TEXTS}), max_size=2),
    terminal=st.booleans(),
    group=_TEXTS,
)
_SERVER = _given(
    listen=st.lists(st.sampled_from([":80", ":443", "127.0.0.1:8080"]), max_size=2),
    routes=st.lists(_ROUTE, max_size=3),
    automatic_https=_given(disable=st.booleans(), skip=st.lists(_TEXTS, max_size=2)),
    errors=_JSON,
)
_TREES = _given(
    admin=_JSON,
    logging=_JSON,
    apps=_given(
        http=_given(
            http_port=st.just(8080),
            grace_period=_TEXTS,
            servers=st.dictionaries(st.sampled_from(["srv0", "front", "argos"]), _SERVER, max_size=2),
        ),
        tls=_given(
            automation=_given(
                policies=st.lists(_given(subjects=st.lists(_TEXTS)), max_size=2), on_demand=_JSON
            ),
            certificates=_given(load_files=st.lists(_given(certificate=_TEXTS), max_size=2)),
            session_tickets=_JSON,
        ),
        pki=_JSON,
    ),
)


@given(_TREES)
def test_what_is_not_ours_comes_back_byte_for_byte(tree: dict[str, Any]) -> None:
    """Nothing of ours in it: the same values, empty ones too."""
    assert json.dumps(put_together(take_apart(tree), whole=False), sort_keys=True) == json.dumps(
        tree, sort_keys=True
    )


@given(_TREES)
def test_adding_and_removing_a_host_leaves_no_trace(tree: dict[str, Any]) -> None:
    """With ownership routes, in whichever server it stood."""
    catalogue = Catalogue(whole=False, own_servers=False)
    before = take_apart(tree)
    for server in before.servers:
        for tls in ({"off": True}, {"policy": {"issuers": [{"module": "internal"}]}}, {"policy": None}):
            content = {"server": server, "routes": [_our_route("x.example.com")], "tls": tls}
            with_ours = put_together(catalogue.edited(before, {"host/x": content}), whole=False)
            without = catalogue.edited(take_apart(with_ours), {"host/x": None})
            assert _said(put_together(without, whole=False)) == _said(tree)


def _said(value: Any) -> Any:
    """Without empty containers: an empty list of routes and the like mean none, and we leave them out."""
    if isinstance(value, dict):
        found = {key: _said(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each not in ({}, [], None)}
    return [_said(each) for each in value] if isinstance(value, list) else value


def _our_route(domain: str) -> dict[str, Any]:
    return {
        "@id": "argos-host-x",
        "match": [{"host": [domain]}],
        "handle": [{"handler": "static_response"}],
        "terminal": True,
    }


@given(_TREES, st.booleans())
def test_objects_cover_all_that_is_whole(tree: dict[str, Any], add: bool) -> None:
    """Taking out every object leaves the admin block alone: nothing hides from a plan."""
    catalogue = Catalogue(whole=True, own_servers=True)
    layout = take_apart(tree)
    if add:
        content = {"server": "argos", "routes": [_our_route("x.example.com")], "tls": {"policy": None}}
        layout = catalogue.edited(layout, {"host/x": content, "edge/http": {"servers": {"argos": {}}}})
    gone = catalogue.edited(layout, {item.id: None for item in catalogue.items(layout)})
    left = put_together(gone, whole=True)
    assert set(_said(left)) <= {"admin"}
