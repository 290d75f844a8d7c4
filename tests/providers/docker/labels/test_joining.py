"""Labels of any kind: documents, or problems that name a label, and never anything else."""

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.problem import Location
from argos_gitops.providers.docker.labels.joining import EdgeRoutes, Labels
from argos_gitops.providers.docker.labels.label import Complaints
from argos_gitops.providers.docker.labels.reach import Ways
from argos_gitops.providers.docker.labels.reading import labels_of, read_service

ROUTER = (
    "rule",
    "rulesyntax",
    "entrypoints",
    "middlewares",
    "service",
    "priority",
    "tls",
    "tls.certresolver",
)
SERVICE = tuple(
    f"loadbalancer.{option}"
    for option in (
        *("server.port", "server.scheme", "server.url", "server.weight", "passhostheader", "strategy"),
        *("healthcheck.path", "healthcheck.interval", "healthcheck.status", "healthcheck.headers.X"),
        *("sticky", "sticky.cookie", "sticky.cookie.name", "passivehealthcheck.failurewindow"),
    )
)
MIDDLEWARE = (
    *(
        "addprefix.prefix",
        "stripprefix.prefixes",
        "stripprefixregex.regex",
        "replacepath.path",
        "chain.middlewares",
    ),
    *(
        "replacepathregex.regex",
        "replacepathregex.replacement",
        "redirectscheme.scheme",
        "redirectscheme.port",
    ),
    *("redirectregex.regex", "redirectregex.replacement", "basicauth.users", "ipallowlist.sourcerange"),
    *("ratelimit.average", "ratelimit.burst", "ratelimit.period", "compress", "headers.stsseconds"),
    *("headers.customrequestheaders.X", "headers.accesscontrolalloworiginlist", "headers.allowedhosts"),
)
_keys = st.one_of(
    st.sampled_from([f"traefik.http.routers.{name}.{option}" for name in "ab" for option in ROUTER]),
    st.sampled_from([f"traefik.http.services.{name}.{option}" for name in "ab" for option in SERVICE]),
    st.sampled_from([f"traefik.http.middlewares.{name}.{option}" for name in "mn" for option in MIDDLEWARE]),
    st.text(st.sampled_from("ab.@[]0"), max_size=12).map("traefik.".__add__),
)
_values = st.one_of(
    st.sampled_from(
        [
            *("Host(`a.example.com`)", "Host(`*.example.com`) && PathPrefix(`/a`)", "HostRegexp(`{x:.+}`)"),
            *(
                "web",
                "websecure",
                "true",
                "m,n@docker",
                "a",
                "b",
                "80",
                "-1",
                "9" * 30,
                "9" * 5000,
                "10s",
                "1ns",
            ),
            *(
                "^https?://a.example.com/(.*)",
                "https://b.example.com/${1}",
                "^/a(",
                "/a",
                "/a,/b",
                "https",
                "*",
            ),
            *("99999999999h", "http://[::1", "http://x:99999999", "192.0.2.0/24", "u:$2y$05$" + "a" * 53, ""),
        ]
    ),
    st.text(max_size=20),
)


def _of_one_type(kind: str) -> st.SearchStrategy[dict[str, str]]:
    options = [option for option in MIDDLEWARE if option.startswith(kind)]
    keys = st.sampled_from([f"traefik.http.middlewares.m.{option}" for option in options])
    return st.dictionaries(keys, _values, min_size=len(options), max_size=len(options))


_one_middleware = st.sampled_from(sorted({each.partition(".")[0] for each in MIDDLEWARE})).flatmap(
    _of_one_type
)
_sound = {"traefik.http.routers.a.rule": "Host(`a.example.com`)", "traefik.http.routers.a.middlewares": "m"}


@given(st.dictionaries(_keys, _values, max_size=8), st.one_of(st.just({}), _one_middleware), st.booleans())
def test_any_labels_are_documents_or_problems(
    written: dict[str, str], middleware: dict[str, str], sound: bool
) -> None:
    """Whatever stands beside a router that is sound, and a middleware that has all of its options."""
    written = {**written, **middleware, **(_sound if sound else {})}
    complaints = Complaints()
    service = {
        "labels": {**written, "traefik.enable": "true"},
        "ports": [{"target": 80, "published": "8080"}],
    }
    labels = labels_of(service, "service app of Stack/wiki", lambda key: Location(key))
    found = read_service("app", service, labels, complaints)
    ways = Ways(True, "127.0.0.1", "DockerHost/nas", "wiki", {"app": service})
    routes = EdgeRoutes("main", True, complaints)
    routes.add(Labels("wiki", (found,), {}, ways, False))
    documents = list(routes.documents())
    assert all(derived.document["kind"] in ("Host", "Service") for derived in documents)
    assert all(problem.location.path in service["labels"] for problem in complaints.problems)
