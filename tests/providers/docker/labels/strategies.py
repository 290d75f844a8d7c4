"""Rules as people may write them, by chance."""

from hypothesis import strategies as st

from argos_gitops.providers.docker.labels.rules import Matcher, Negation, Rule, either, every

DOMAINS = ("a.example.com", "b.example.com", "*.example.com")
PATHS = ("/API", "/", "/api", "/api/v1", "/login", "/a b")
METHODS = ("GET", "POST")

_texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


def _matcher(name: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[Rule]:
    return st.tuples(*arguments).map(lambda given: Matcher(name, given))


def _joined(parts: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(several.map(every), several.map(either), parts.map(Negation))


any_rules = st.recursive(
    st.one_of(
        *(
            _matcher(name, _texts)
            for name in ("Host", "Path", "PathPrefix", "PathRegexp", "Method", "ClientIP")
        ),
        _matcher("Header", _texts, _texts),
        _matcher("Query", _texts, _texts),
    ),
    _joined,
    max_leaves=12,
)
"""Whatever can be written."""

plain_rules = st.recursive(
    st.one_of(
        _matcher("Host", st.sampled_from(DOMAINS)),
        _matcher("Path", st.sampled_from(PATHS)),
        _matcher("PathPrefix", st.sampled_from(PATHS)),
        _matcher("Method", st.sampled_from(METHODS)),
        _matcher("Header", st.just("X-Key"), st.sampled_from(("one", "two"))),
    ),
    _joined,
    max_leaves=8,
)
"""Rules over a few requests, so that many of them fit."""
