"""The bouncer of a plain Caddy: each request is preceded by a question to the agent.

What is compiled, and why so (Caddy 2.6.2 and 2.11 behave alike in all of it):

- The visitor's address goes into the query of a URI that is ours, together with the address of the
  connection: Caddy before 2.7 knows no `client_ip`. No header of the visitor is passed on, or one that is too
  large for the agent would make it fail, and `open` would let the visitor in. The body stays for the site.
- 403 is refused, and any 2xx passes. Everything else is an agent that cannot tell; so is one that does not
  answer in time, or at all, which Caddy treats as an error.
- An agent that is busy must not look like one that is away, or whoever floods it opens the door. So few
  questions of a Host are on their way at once: the others wait for their turn in Caddy, where no time limit
  counts, and what is on its way is answered in milliseconds, however many ask. The limit for an answer is
  long, as nobody but a hung agent reaches it; that nobody listens shows at once. Connections are kept, as
  one that is new is the only one that Go does not replace by itself when a process of the agent ends.
- A question that failed before its limit is asked once more: another process of the agent may answer. After
  five failures in four seconds the agent is not asked for a while, as each question to a hung one would wait.
- Errors of the site behind come by here too. They are told apart by a variable that is set on passing, and
  raised again as they were: the site must not be asked twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from argos_gitops.model.spec import format_duration, parse_duration

Tree = dict[str, Any]

_PATH = "/auth/forward/"
_QUERY = "client={http.vars.client_ip}&remote={http.request.remote.host}"
_UNIX = "unix//"
_VARIABLE = "argos_bouncer"
_PASSED = "passed"
# Caddy closes an idle connection before the agent does.
_IDLE = "3s"
_FORGET_FAILURES = "4s"
MOST_FAILURES = 5
_LONGEST_DIAL = timedelta(seconds=1)
_ON_THEIR_WAY = 128
_RETRIES = 1
_RETRY_AFTER = "1ms"

UNAVAILABLE_HEADER = "X-Argos-Bouncer"
"""Marks the 503 of an edge that cannot ask the agent and fails closed."""

_AWAY: Tree = {
    "handle": [
        {
            "handler": "static_response",
            "status_code": 503,
            "headers": {"Retry-After": ["5"], UNAVAILABLE_HEADER: ["unavailable"]},
        }
    ]
}
_PASS: Tree = {"handle": [{"handler": "vars", _VARIABLE: _PASSED}]}
_REFUSE: Tree = {"handle": [{"handler": "static_response", "status_code": 403}]}
_RAISE_AGAIN: Tree = {
    "match": [{"vars": {_VARIABLE: [_PASSED]}}],
    "handle": [
        {"handler": "error", "error": "{http.error.message}", "status_code": "{http.error.status_code}"}
    ],
}


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """Whom Caddy asks about the visitors of an edge, and what holds when there is no answer."""

    edge: str
    agent_url: str
    timeout: timedelta
    closed: bool

    @property
    def dial(self) -> str:
        """The agent as Caddy writes an upstream."""
        scheme, _, place = self.agent_url.partition("://")
        return f"{_UNIX}{place}" if scheme == "unix" else place

    def handler(self) -> Tree:
        errors = [_RAISE_AGAIN, *([_AWAY] if self.closed else [])]
        return {
            "handler": "subroute",
            "routes": [{"handle": [self._question()]}],
            "errors": {"routes": errors},
        }

    def _question(self) -> Tree:
        return {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": self.dial}],
            "rewrite": {"method": "GET", "uri": f"{_PATH}{self.edge}?{_QUERY}"},
            "headers": {"request": {"delete": ["**"]}},
            "transport": self._transport(),
            "load_balancing": {
                "retries": _RETRIES,
                "try_duration": format_duration(self.timeout),
                "try_interval": _RETRY_AFTER,
            },
            "health_checks": {"passive": {"fail_duration": _FORGET_FAILURES, "max_fails": MOST_FAILURES}},
            "handle_response": self._answers(),
        }

    def _transport(self) -> Tree:
        timeout = format_duration(self.timeout)
        return {
            "protocol": "http",
            "dial_timeout": format_duration(min(self.timeout, _LONGEST_DIAL)),
            "response_header_timeout": timeout,
            "max_conns_per_host": _ON_THEIR_WAY,
            "keep_alive": {"idle_timeout": _IDLE, "max_idle_conns_per_host": _ON_THEIR_WAY},
            **({"tls": {}} if self.agent_url.startswith("https:") else {}),
        }

    def _answers(self) -> list[Tree]:
        refused = {"match": {"status_code": [403]}, "routes": [_REFUSE]}
        if not self.closed:
            return [refused, {"routes": [_PASS]}]
        passed = {"match": {"status_code": [2]}, "routes": [_PASS]}
        return [refused, passed, {"routes": [_AWAY]}]


def read_forward_auth(handler: Mapping[str, Any]) -> ForwardAuth | None:
    """The question that a handler of ours asks; None for any other, and for one that somebody changed."""
    try:
        question = handler["routes"][0]["handle"][0]
        transport = question["transport"]
        found = ForwardAuth(
            edge=question["rewrite"]["uri"].removeprefix(_PATH).partition("?")[0],
            agent_url=_agent_url(question["upstreams"][0]["dial"], secure="tls" in transport),
            timeout=_timeout(transport["response_header_timeout"]),
            closed=len(handler["errors"]["routes"]) > 1,
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        return None
    return found if found.handler() == handler else None


def _agent_url(dial: str, *, secure: bool) -> str:
    if dial.startswith(_UNIX):
        return f"unix://{dial.removeprefix(_UNIX)}"
    return f"{'https' if secure else 'http'}://{dial}"


def _timeout(text: str) -> timedelta:
    duration = parse_duration(text)
    if not isinstance(duration, timedelta):
        raise TypeError("a duration was expected")
    return duration
