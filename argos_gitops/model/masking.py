"""What of a container's settings may be shown: values under names that sound secret, and secrets in text.

The names are those of the seed contract of push agents: `/(PASS|SECRET|TOKEN|KEY|PRIVATE|CREDENTIAL)/i`, and
those of labels that hold digests of secrets.
Too much masked costs a glance at the host; too little costs a password.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from argos_gitops.model.containers import DIGEST_LABELS
from argos_gitops.model.secret import MASK

_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|PRIVATE|CREDENTIAL", re.IGNORECASE)
_LONGEST_KEPT = 100
LONGEST_TEXT = 32 * 1024
"""Of one text that is looked through for secrets; rules run at 1 µs a character in the worst of cases."""
TRUNCATED = "(truncated)"
"""Stands for a text that was not looked through, and so is not shown: half a secret is one too."""
_SWITCHES = frozenset({"", "true", "false"})

# In lower case. Text without any of these holds nothing that the rules below know: so does most text.
_MARKS = """
    pass secret token key private credential :// auth bearer basic --user -u -a -p $ {sha xox sk- akia hvs.
    eyj gho_ ghp_ ghr_ ghs_ ghu_ github_pat_ whsec_
    glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas-
    """.split()  # noqa: SIM905 # a list of words is read as words

# Lengths are bounded, and words are entered at their beginning alone: text that a stranger made takes no
# longer than other text of its length.
_NAME = r"[\w.-]{0,100}(?:pass|secret|token|key|private|credential)[\w.-]{0,100}"
_VALUE = r"(?:\*{8}|\"[^\"]*\"|'[^']*'|[^\s\"',;&|]+)"  # the mask first: twice masked is once masked
_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        # -----BEGIN … PRIVATE KEY-----, to its end or that of the text
        (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|$)", MASK),
        # user:password@ in URLs
        (r"(://)[^/\s\"'@]*@(?:[^/\s\"'@]*@)*", rf"\1{MASK}@"),
        # Authorization: Bearer …
        (
            rf"((?<!\w)authorization[\"']?\s{{0,9}}[:=]\s{{0,9}}(?:(?:bearer|basic|digest|token)\s{{1,9}})?){_VALUE}",
            rf"\1{MASK}",
        ),
        (r"((?<!\w)(?:bearer|basic)\s{1,9})[\w+/.~=-]{16,}", rf"\1{MASK}"),
        # name=value, "name": "value", --name value
        (rf"((?<![\w.-]){_NAME}[\"']?\s{{0,9}}[:=]\s{{0,9}}){_VALUE}", rf"\1{MASK}"),
        (rf"((?<![\w.-])--?{_NAME}\s{{1,9}})(?!-){_VALUE}", rf"\1{MASK}"),
        # curl -u user:password, mysql -ppassword, redis-cli -a password
        (r"((?<!\S)(?:-u|--user)[ =]?[^\s:]{1,100}:)\S+", rf"\1{MASK}"),
        (r"((?<![\w-])(?:mysql|mariadb)[\w-]{0,20}\s[^|;&]{0,200}?(?<=\s)-p)\S+", rf"\1{MASK}"),
        (r"((?<![\w-])(?:redis|valkey)-cli\s[^|;&]{0,200}?(?<=\s)-a\s{1,9})\S+", rf"\1{MASK}"),
        # hashes of passwords, as htpasswd and crypt(3) write them; Compose doubles each $
        (r"\${1,2}(?:2[aby]|apr1|argon2[a-z]{0,2}|[156y])\${1,2}[^\s\"',]+|\{SHA\d{0,3}\}[\w+/=]+", MASK),
        # tokens that tell by their form what they are
        (
            r"(?<!\w)(?:gh[opsru]_\w{20,}|github_pat_\w{20,}|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas)-[\w-]{16,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{16,}"
            r"|akia[0-9a-z]{16}|hvs\.[\w-]{16,}|whsec_[\w+/=]{16,}|age-secret-key-1\w+)",
            MASK,
        ),
        # JSON web tokens. Of a run of such characters only the first `eyJ` is tried: if it begins no token,
        # none in that run does.
        (
            r"(?<![\w-])(?>([\w-]*?)(?<!\w)eyJ)[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]*+)?",
            rf"\1{MASK}",
        ),
    )
)


def is_secret_name(name: str) -> bool:
    """Whether the value of a variable, label or option of this name is taken for a secret."""
    return _known_name(name) if len(name) <= _LONGEST_KEPT else _sounds_secret(name)


def is_switch(value: str) -> bool:
    """Whether a value only says yes or no, and so is no secret, whatever its name."""
    return value in _SWITCHES


def masked_variable(name: str, value: str) -> str:
    """The value of an environment variable as it may be shown."""
    return MASK if is_secret_name(name) else masked_text(value)


def masked_setting(name: str, value: str) -> str:
    """The value of a label or option: as of a variable, but that yes and no are no secrets."""
    return MASK if is_secret_name(name) and not is_switch(value) else masked_text(value)


def masked_text(text: str) -> str:
    """`text`, such as a command line, without the secrets in it that can be told from the rest."""
    return masked_texts([text])[0]


def masked_texts(texts: Sequence[str], limit: "TextLimit | None" = None) -> Sequence[str]:
    """The same for many, which is quicker than one by one. What is beyond the limit becomes `TRUNCATED`."""
    marks = _marks_in("\n".join(texts), _MARKS)
    if not marks:
        return texts
    return [_limited(text, limit) if _marks_in(text, marks) else text for text in texts]


class TextLimit:
    """How many characters of text that may hold secrets are looked through, all together."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def admits(self, text: str) -> bool:
        """Whether there is room for the text, which it takes if so."""
        if len(text) > min(LONGEST_TEXT, self._left):
            return False
        self._left -= len(text)
        return True


def _sounds_secret(name: str) -> bool:
    return name in DIGEST_LABELS or _SECRET_NAME.search(name) is not None


_known_name = lru_cache(4096)(_sounds_secret)


def _marks_in(text: str, marks: Sequence[str]) -> Sequence[str]:
    lower = text.lower()
    return [mark for mark in marks if mark in lower]


def _limited(text: str, limit: TextLimit | None) -> str:
    return _by_rules(text) if limit is None or limit.admits(text) else TRUNCATED


def _by_rules(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
