"""The questions of forward-auth, and their answers: the same in every process that gives one.

204 lets a visitor pass; 403 refuses it (a captcha too: there is nobody here to solve one for); 503 says that
nobody can tell at the moment, where the edge fails closed; 404 names an edge that nobody asks for.
Imports little, as the processes that answer want to stay small.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from argos_gitops.model.verdict import Counted, Remedy, Verdict
from argos_gitops.planning.decisions import family_of, packed_address

_ADDRESSES = ("client", "remote")
"""The first that is an address counts: a Caddy before 2.7 knows only the remote end of its connection."""

_MOST_FIELDS = 100
_LONGEST_ORIGIN = 64
"""Of an origin that is counted, characters."""


class Judge(Protocol):
    """Of one edge."""

    def verdict(self, address: str) -> Verdict:
        """Answers from memory. ValueError when `address` is none."""
        ...


class Judges(Protocol):
    """By the name of their edge."""

    @property
    def heard_everything(self) -> bool:
        """False while it is not known which edges there are, or who is banned."""
        ...

    def of_edge(self, name: str) -> Judge | None: ...

    def only(self) -> tuple[str, Judge] | None:
        """The one edge that there is, with its name; None when there are several, or none."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """`document` is the JSON of its body, None where there is no body.

    `counted` is None where it is not counted. `until` is that of the Verdict.
    """

    status: int
    document: Mapping[str, Any] | None = None
    counted: Counted | None = None
    until: float = 0.0


_NO_NAME = Answer(404, {"error": "UnknownEdge", "message": "name the edge: /auth/forward/EDGE"})
_UNKNOWN = Answer(
    404,
    {
        "error": "UnknownEdge",
        "message": "no Edge of this name has crowdsec.bouncer.mode forward-auth here",
    },
)
_NO_ADDRESS = Answer(
    400, {"error": "NoAddress", "message": "expected the visitor's address: ?client=ADDRESS"}
)
_CANNOT_TELL = {"error": "VerdictUnknown", "message": "nobody can tell now whether this address is banned"}
_NOTHING_KNOWN = Answer(503, _CANNOT_TELL)


def answer(judges: Judges, edge: str | None, query: str) -> Answer:
    """The answer about the visitor in `query`; without the name of an edge, about the only one."""
    if not judges.heard_everything:
        return _NOTHING_KNOWN
    if edge is None:
        only = judges.only()
        if only is None:
            return _NO_NAME
        edge, judge = only
    else:
        named = judges.of_edge(edge)
        if named is None:
            return _UNKNOWN
        judge = named
    found = _verdict(judge, query)
    return _NO_ADDRESS if found is None else _said(edge, *found)


def _verdict(judge: Judge, query: str) -> tuple[Verdict, str] | None:
    """With the family of the address."""
    try:
        asked = dict(parse_qsl(query, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return None
    for name in _ADDRESSES:
        try:
            address = asked.get(name, "")
            return judge.verdict(address), family_of(packed_address(address))
        except ValueError:
            continue
    return None


def _said(edge: str, verdict: Verdict, family: str) -> Answer:
    if verdict.remedy is Remedy.ALLOW:
        word = verdict.remedy if verdict.certain else "unknown-allowed"
        return Answer(204, None, Counted(edge, word, "", family), verdict.until)
    if not verdict.certain:
        return Answer(503, _CANNOT_TELL, Counted(edge, "unknown-refused", "", family))
    document = {"verdict": verdict.remedy, "origin": verdict.origin, "scope": verdict.scope}
    counted = Counted(edge, verdict.remedy, verdict.origin[:_LONGEST_ORIGIN], family)
    return Answer(403, document, counted, verdict.until)
