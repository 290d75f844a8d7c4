"""Which certificates our hosts get, as Caddy's tls app says it.

A host's part is told by its domains: an automation policy of ours names them as subjects, files of
ours carry its mark, or a server of others skips them. Here that is gathered by host, and spread again.

A host's `tls` content is one of
    {"off": True}               served without TLS
    {"policy": None}            the default policy
    {"policy": {...}}           another policy, without its subjects
    {"files": {...}}            certificate and key from files, beside the default policy
and, only where somebody changed it halfway, {"policies": {domain: policy}} or {"skipped": [domain]}.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argos_gitops.model.objects import digest_of
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.placement import domains

Tree = dict[str, Any]

OFF: Tree = {"off": True}
DEFAULT: Tree = {"policy": None}
INTERNAL: Tree = {"policy": {"issuers": [{"module": "internal"}]}}

_HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class Place:
    """A server as far as certificates go: whether Caddy manages TLS there, and for whom it does not."""

    managed: bool
    skip: frozenset[str] = frozenset()

    @classmethod
    def of(cls, name: str, server: Tree, http: Tree) -> "Place":
        """Our own servers are what their name says, whatever became of them: that is drift of edge/http."""
        if name in marks.OWN_SERVERS:
            return cls(managed=name == marks.TLS_SERVER)
        return cls(manages_tls(server, http), frozenset(_skip_list(server)))


@dataclass(frozen=True, slots=True)
class Coverage:
    """The tls app: what is ours in it by domain and host, and the rest of it."""

    default: Tree | None
    default_subjects: frozenset[str] | None
    by_domain: Mapping[str, Tree]
    files: Mapping[str, Tree]
    rest: Tree

    def of_host(self, name: str, host: Tree, place: Place) -> Tree:
        """The `tls` content of one host."""
        files = self.files.get(name)
        content = self._of_domains(host, place)
        return content if files is None else {**_beside_files(content), "files": files}

    def _of_domains(self, host: Tree, place: Place) -> Tree:
        if not place.managed:
            return OFF
        if not place.skip:
            return self._policies(host)
        wanted = domains(host)
        skipped = [domain for domain in wanted if domain in place.skip]
        if wanted and len(skipped) == len(wanted):
            return OFF
        content = self._policies(host)
        return {**content, "skipped": skipped} if skipped else content

    def _policies(self, host: Tree) -> Tree:
        if not self.by_domain and self.default_subjects is None:
            return DEFAULT
        wanted = domains(host)
        found = dict(self._covered(wanted))
        first = found.get(wanted[0]) if wanted else None
        uniform = len(found) == len(wanted) and all(policy == first for policy in found.values())
        if not uniform:
            return {"policies": found}
        return DEFAULT if first is None else {"policy": first}

    def _covered(self, wanted: Sequence[str]) -> Iterator[tuple[str, Tree | None]]:
        for domain in wanted:
            policy = self.by_domain.get(domain)
            if policy is not None or self.default_subjects is None or domain in self.default_subjects:
                yield domain, policy


def _beside_files(content: Tree) -> Tree:
    return {} if content in (DEFAULT, {"policies": {}}) else content


def take_out_tls(tls: Tree) -> Coverage:
    """What is ours in the tls app, and the rest of it as it was."""
    policies = _nested(tls, "automation", "policies")
    entries = _nested(tls, "certificates", "load_files")
    ours = [policy for policy in policies if marks.policy_mark(policy)]
    defaults = [policy for policy in ours if marks.policy_mark(policy) in marks.DEFAULT_POLICIES]
    defaults = [policy for policy in defaults if _body(policy) == _body(defaults[0])]
    default = defaults[0] if defaults else None
    rest = _replaced(tls, "automation", "policies", [p for p in policies if not marks.policy_mark(p)])
    others = [entry for entry in entries if marks.host_of_files(entry) is None]
    return Coverage(
        default=None if default is None else _body(default),
        default_subjects=_subjects_of_default(defaults),
        by_domain={s: body for p in ours if p not in defaults for body in (_body(p),) for s in _subjects(p)},
        files={name: _body(entry) for entry in entries if (name := marks.host_of_files(entry)) is not None},
        rest=_replaced(rest, "certificates", "load_files", others),
    )


@dataclass(slots=True)
class Members:
    """What all hosts together ask of the tls app and of the skip lists of others' servers."""

    policies: dict[str, tuple[Tree, list[str]]] = field(default_factory=dict)
    default: list[str] = field(default_factory=list)
    files: list[tuple[str, Tree]] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, hosts: Mapping[str, Tree], *, default: bool) -> "Members":
        """`default`: whether the domains under the default policy are wanted too."""
        members = cls()
        for name, host in hosts.items():
            if host["tls"] != DEFAULT or default:
                members._add(name, host)
        return members

    def _add(self, name: str, host: Tree) -> None:
        server, tls = host["server"], host["tls"]
        if "files" in tls:
            self.files.append((name, tls["files"]))
        if server not in marks.OWN_SERVERS:
            off = domains(host) if tls.get("off") else tls.get("skipped", ())
            self.skipped.setdefault(server, []).extend(off)
        for domain, policy in _policy_of_each(host):
            if policy is None:
                self.default.append(domain)
            else:
                self._policy(policy).append(domain)

    def _policy(self, body: Tree) -> list[str]:
        mark = (
            marks.INTERNAL_POLICY
            if body == INTERNAL["policy"]
            else f"{marks.POLICY_PREFIX}{digest_of(body)[:12]}"
        )
        return self.policies.setdefault(mark, (body, []))[1]

    def skipping(self, name: str, server: Tree, http: Tree) -> Tree:
        """A server of others that leaves alone the domains of our hosts without TLS, where it has to."""
        wanted = self.skipped.get(name)
        if not wanted or not manages_tls(server, http):
            return server
        skip = [*_skip_list(server), *sorted(wanted)]
        return {**server, "automatic_https": {**(server.get("automatic_https") or {}), "skip": skip}}


def with_tls(rest: Tree, default: Tree | None, members: Members, *, catch_all: bool) -> Tree:
    """The tls app with our policies and files in it.

    Ours come first, as they name their domains and Caddy takes the first that fits; a default that is to
    hold for all domains comes last. To Caddy `*.example.com` fits `app.example.com` too, so policies for
    wildcards stand behind all those for exact domains.
    """
    wanted = [(mark, body, subjects) for mark, (body, subjects) in sorted(members.policies.items())]
    if default is not None and not catch_all and members.default:
        wanted.insert(0, (marks.DEFAULT_POLICY, default, members.default))
    parts = [part for each in wanted for part in _parts(*each)]
    policies = [policy for wildcard in (False, True) for policy, its in parts if its is wildcard]
    policies += _nested(rest, "automation", "policies")
    if default is not None and catch_all:
        policies.append({"@id": marks.DEFAULT_POLICY, **default})
    files = [*_nested(rest, "certificates", "load_files")]
    files += [{"@id": marks.files_mark(name), **body} for name, body in sorted(members.files, key=_name)]
    return _replaced(_replaced(rest, "automation", "policies", policies), "certificates", "load_files", files)


def _parts(mark: str, body: Tree, subjects: Sequence[str]) -> Iterator[tuple[Tree, bool]]:
    """A policy, once for exact domains and once for wildcards, and whether it is that for wildcards."""
    wildcards = sorted(each for each in subjects if each.startswith("*."))
    exact = sorted(set(subjects) - {*wildcards})
    if exact:
        yield {"@id": mark, "subjects": exact, **body}, False
    if wildcards:
        yield {"@id": marks.of_wildcards(mark) if exact else mark, "subjects": wildcards, **body}, True


def take_out_automate(tls: Tree, hosts: Mapping[str, Tree]) -> tuple[tuple[str, ...], Tree]:
    """The domains of our hosts that Caddy is told to get certificates for, and the tls app without them."""
    names = _nested(tls, "certificates", "automate")
    if not names:
        return (), tls
    domains_of_ours = {domain for host in hosts.values() for domain in domains(host)}
    others = [name for name in names if name not in domains_of_ours]
    ours = tuple(name for name in names if name in domains_of_ours)
    return ours, _replaced(tls, "certificates", "automate", others) if ours else tls


def with_automate(tls: Tree, names: Sequence[str]) -> Tree:
    """The tls app that gets certificates for `names` too; see `for_themselves`."""
    if not names:
        return tls
    return _replaced(tls, "certificates", "automate", [*_nested(tls, "certificates", "automate"), *names])


def for_themselves(hosts: Mapping[str, Tree], others: Iterable[str], *, unknown: bool) -> tuple[str, ...]:
    """The domains for which Caddy gets a certificate only when it is told to.

    Caddy (from 2.10) serves a domain with the certificate of a wildcard beside it, and (every version) with
    one from a file that fits, whatever CA the domain's own policy names. So each domain is listed that
    another certificate may fit; a wildcard that is got in just the same way is left to serve it. `others`
    are wildcards of others, `unknown` says whether there are files, whose names nobody here can know.
    """
    beside: dict[str, Tree | None] = dict.fromkeys(others)
    for host in hosts.values():
        beside |= {domain: host["tls"] for domain in domains(host) if domain.startswith("*.")}
    unknown = unknown or any("files" in host["tls"] for host in hosts.values())
    found = set()
    for host in hosts.values():
        for domain, policy in _policy_of_each(host):
            above = f"*.{domain.partition('.')[2]}"
            covered = above in beside and above != domain
            if beside.get(above) == {"policy": policy} if covered else not unknown:
                continue
            found.add(domain)
    return tuple(sorted(found))


def manages_tls(server: Tree, http: Tree) -> bool:
    """Whether Caddy turns on TLS for the hosts of a server by itself.

    It does not when told so, nor when the server listens on nothing but the HTTP port.
    """
    if (server.get("automatic_https") or {}).get("disable"):
        return False
    port = str(http.get("http_port") or _HTTP_PORT)
    return any(str(address).rpartition(":")[2] != port for address in server.get("listen") or ())


def without_skipped(server: Tree, name: str, hosts: Mapping[str, Tree]) -> Tree:
    """A server of others as it would be had we not made it skip domains of our hosts."""
    skip = _skip_list(server)
    if not skip or name in marks.OWN_SERVERS:
        return server
    ours = {domain for host in hosts.values() if host["server"] == name for domain in domains(host)}
    return _replaced(server, "automatic_https", "skip", [domain for domain in skip if domain not in ours])


def pruned(tree: Tree) -> Tree:
    """Without empty containers, which mean nothing to Caddy's tls app."""
    found = {key: pruned(value) if isinstance(value, dict) else value for key, value in tree.items()}
    return {key: value for key, value in found.items() if value not in ({}, [], None)}


def _policy_of_each(host: Tree) -> Iterator[tuple[str, Tree | None]]:
    tls = host["tls"]
    if "policies" in tls:
        yield from tls["policies"].items()
    elif "policy" in tls:
        yield from ((domain, tls["policy"]) for domain in domains(host))


def _skip_list(server: Tree) -> Sequence[str]:
    return (server.get("automatic_https") or {}).get("skip") or ()


def _subjects_of_default(defaults: Sequence[Tree]) -> frozenset[str] | None:
    """None: it holds for every domain, or there is none and Caddy's own defaults hold."""
    if not defaults or not all(_subjects(each) for each in defaults):
        return None
    return frozenset(subject for each in defaults for subject in _subjects(each))


def _subjects(policy: Tree) -> Sequence[str]:
    return policy.get("subjects") or ()


def _body(entry: Tree) -> Tree:
    return {key: value for key, value in entry.items() if key not in ("@id", "subjects")}


def _nested(tree: Tree, outer: str, inner: str) -> list[Any]:
    return (tree.get(outer) or {}).get(inner) or []


def _replaced(tree: Tree, outer: str, inner: str, values: list[Any]) -> Tree:
    """The tree with another list in it; a list that became empty goes, and so does an empty parent."""
    if values == _nested(tree, outer, inner):
        return tree
    parent = {**(tree.get(outer) or {}), inner: values}
    if not values:
        del parent[inner]
    without = {key: value for key, value in tree.items() if key != outer}
    return {**without, outer: parent} if parent else without


def _name(pair: tuple[str, Tree]) -> str:
    return pair[0]
