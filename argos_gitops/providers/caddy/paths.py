"""Requests whose path means one thing to Caddy and may mean another to whoever answers.

Caddy's matchers decide on the path decoded once and without dot segments; what goes on to the upstream is the
path as the visitor wrote it (tried on 2.11: `{http.request.uri}` holds what is forwarded). A Host that
decides by path therefore answers 400 where the two could differ, and forwards `//` as the `/` that it decided
on. So it does where a rewrite makes such a path of another. Traefik cleans and refuses much the same (its
`sanitizePath` and `encodedCharacters`).

What may stand in a path is an allow list: characters as RFC 3986 has them but for `;` and the backslash, and
percent-encoded text in UTF-8 but for `/ \\ ; ? #` and control characters.
"""

from typing import Any

Tree = dict[str, Any]

_HEX = "[0-9a-fA-F]"
_TAIL = f"%[89abAB]{_HEX}"
_PLAIN = r"[A-Za-z0-9._~!$&'()*+,=:@\[\]/-]"
_ASCII = "|".join(
    (
        "2[0-24-9a-eA-E]",  # no # and no /
        "3[0-9acdeACDE]",  # no ; and no ?
        f"4{_HEX}",
        "5[0-9abdefABDEF]",  # no backslash
        f"6{_HEX}",
        "7[0-9a-eA-E]",
    )
)
# The Unicode Standard, table 3-7: without overlong forms, which some decoders take for `.` and `/`.
_UTF8 = (
    f"%(?:[cC][2-9a-fA-F]|[dD]{_HEX}){_TAIL}",
    f"%[eE]0%[abAB]{_HEX}{_TAIL}",
    f"%[eE][1-9a-cA-CefEF]{_TAIL}{_TAIL}",
    f"%[eE][dD]%[89]{_HEX}{_TAIL}",
    f"%[fF]0%[9abAB]{_HEX}{_TAIL}{_TAIL}",
    f"%[fF][1-3]{_TAIL}{_TAIL}{_TAIL}",
    f"%[fF]4%8{_HEX}{_TAIL}{_TAIL}",
)
_PLAIN_PATH = rf"^/(?:{_PLAIN}|%(?:{_ASCII})|{'|'.join(_UTF8)})*(?:\?|$)"
# A whole segment of one dot or two.
_DOTS = r"(?:\.|%2[eE]){1,2}(?:[/?]|$)"
# A percent sign that gives an encoded character once it is decoded itself.
_HEX_DIGIT = f"(?:{_HEX}|%3[0-9]|%[46][1-6])"
_ENCODED_TWICE = f"%25{_HEX_DIGIT}{{2}}"
_DOT = r"(?:\.|%2[eE])"
# What no segment of one dot or two begins with after at most two dots: another character, encoded or not.
_NO_DOT = rf"(?:[^/.%]|%(?:[013-9a-fA-F]{_HEX}|2[0-9a-df-fA-DF]))"
_NAME = rf"(?:{_DOT}{{0,2}}{_NO_DOT}|{_DOT}{{3}})[^/]*"
_CLEANED_DEPTH = 8
"""So many times in a row `name/..` is taken out, which is as deep as paths go that anybody means."""
_AMBIGUOUS = f"^(?:[^?]*{_ENCODED_TWICE}|(?:[^?]*/)?{_DOTS})"


def _found(pattern: str) -> Tree:
    return {"vars_regexp": {"{http.request.uri}": {"pattern": pattern}}}


REFUSE_AMBIGUOUS: Tree = {
    "handler": "subroute",
    "routes": [
        {"handle": [{"handler": "rewrite", "path_regexp": [{"find": "/{2,}", "replace": "/"}]}]},
        {
            "match": [{"not": [_found(_PLAIN_PATH)]}, _found(_AMBIGUOUS)],
            "handle": [{"handler": "static_response", "status_code": 400}],
        },
    ],
}
"""Stands before whatever decides by path: `//` becomes `/`, and ambiguous paths are answered with 400."""

_SINGLE_SLASH = ("/{2,}", "/")
_NO_HERE = (rf"(?:/{_DOT})+(/|$)", "$1")
_NOT_ABOVE = (rf"^(?:/{_DOT}{{2}})+(/|$)", "$1")
_UP = (rf"/{_NAME}/{_DOT}{{2}}(/|$)", "$1")
_NOT_EMPTY = ("^$", "/")

CLEAN: Tree = {
    "handler": "subroute",
    "routes": [
        {
            "match": [_found(rf"^[^?]*(?://|/{_DOT}{{1,2}}(?:[/?]|$))")],
            "handle": [
                {
                    "handler": "rewrite",
                    "path_regexp": [
                        {"find": find, "replace": replace}
                        for find, replace in (
                            _SINGLE_SLASH,
                            _NO_HERE,
                            *(_NOT_ABOVE, _UP) * _CLEANED_DEPTH,
                            _NOT_ABOVE,
                            _NOT_EMPTY,
                        )
                    ],
                }
            ],
        },
        {
            "match": [_found(rf"^(?:[^?]*/)?{_DOTS}")],
            "handle": [{"handler": "static_response", "status_code": 400}],
        },
    ],
}
"""For Hosts that decide nothing by path: `//` becomes `/`, and dot segments go, as RFC 3986 (5.2.4) says.
What still has one after that is answered with 400."""

REFUSE_REWRITTEN: Tree = {
    "handler": "subroute",
    "routes": [
        {
            "match": [_found(_AMBIGUOUS)],
            "handle": [{"handler": "static_response", "status_code": 400}],
        }
    ],
}
"""Stands behind a rewrite, which may make a dot segment of what was none: `/pub../admin`, with `/site/` in
the place of `/pub`, is `/site/../admin`. What an operator writes in a rewrite is not looked at otherwise."""
