"""What of a container's settings may be shown: values under names that sound secret, and secrets in text.

The names are those of the seed contract of push agents: `/(PASS|SECRET|TOKEN|KEY|PRIVATE|CREDENTIAL)/i`.
Too much masked costs a glance at the host; too little costs a password.
"""

import re

from argos_gitops.model.secret import MASK

_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|PRIVATE|CREDENTIAL", re.IGNORECASE)
_SWITCHES = frozenset({"", "true", "false"})

# What none of these occurs in holds nothing that the rules below know: most text, told in one look.
_SUSPICIOUS = re.compile(
    r"pass|secret|token|key|private|credential|://|auth|bearer|basic|eyJ|gh[opsru]_|gl[a-z]{1,5}-|xox|sk-|akia"
    r"|hvs\.|whsec_|\{SHA|\$\d|\$apr|\$argon|\$y|\s-[apu]|--user",
    re.IGNORECASE,
)
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
            r"(?<!\w)(?:gh[opsru]_\w{20,}|github_pat_\w{20,}|gl[a-z]{1,5}-[\w-]{16,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{16,}"
            r"|akia[0-9a-z]{16}|hvs\.[\w-]{16,}|whsec_[\w+/=]{16,}|age-secret-key-1\w+"
            r"|eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?)",
            MASK,
        ),
    )
)


def is_secret_name(name: str) -> bool:
    """Whether the value of a variable, label or option of this name is taken for a secret."""
    return _SECRET_NAME.search(name) is not None


def masked_variable(name: str, value: str) -> str:
    """The value of an environment variable as it may be shown."""
    return MASK if is_secret_name(name) else masked_text(value)


def masked_setting(name: str, value: str) -> str:
    """The value of a label or option: as of a variable, but that yes and no are no secrets."""
    return MASK if value not in _SWITCHES and is_secret_name(name) else masked_text(value)


def masked_text(text: str) -> str:
    """`text`, such as a command line, without the secrets in it that can be told from the rest."""
    if _SUSPICIOUS.search(text) is None:
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
