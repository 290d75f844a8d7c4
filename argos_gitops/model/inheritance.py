"""What a process that we start gets of our environment: what its kind needs, by name, and nothing else. Pure.

Our own environment holds secrets of the agent and of the resources. A program that reads what strangers wrote
(git, ssh, sops, Compose) must not have them, whatever it can be talked into.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Names of variables, and beginnings of names, that one kind of process gets."""

    names: frozenset[str]
    prefixes: tuple[str, ...] = ()

    def __or__(self, other: "Inheritance") -> "Inheritance":
        return Inheritance(self.names | other.names, self.prefixes + other.prefixes)

    def of(self, environment: Environment) -> dict[str, str]:
        """The part of an environment that such a process gets."""
        return {
            name: value
            for name, value in environment.items()
            if name in self.names or (self.prefixes and name.startswith(self.prefixes))
        }


def _named(text: str, *prefixes: str) -> Inheritance:
    return Inheritance(frozenset(text.split()), prefixes)


BASIC = _named("PATH HOME USER LOGNAME LANG LANGUAGE TZ TMPDIR LD_LIBRARY_PATH XDG_CONFIG_HOME", "LC_")
"""Every program: where programs, the home folder and libraries are, and how to speak."""

HTTPS = _named(
    "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy "
    "SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE"
)
"""Whoever speaks HTTP: proxies, and whose certificates are trusted."""

SSH = _named("SSH_AUTH_SOCK KRB5CCNAME KRB5_CONFIG XDG_RUNTIME_DIR")
"""ssh: the agent that holds keys, and Kerberos tickets."""

GIT = BASIC | _named(
    "GIT_EXEC_PATH GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG_NOSYSTEM GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
)
"""git that works in a repository here; none of what points a git to another one (`git rev-parse
--local-env-vars`), as is set for whoever a hook starts."""

GIT_TRANSPORT = (
    GIT
    | HTTPS
    | SSH
    | _named(
        "GIT_ASKPASS GIT_PROXY_SSL_CAINFO GIT_SSL_CAINFO GIT_SSL_CAPATH GIT_SSL_CERT GIT_SSL_CIPHER_LIST "
        "GIT_SSL_KEY GIT_SSL_NO_VERIFY GIT_SSL_VERSION"
    )
)
"""git that speaks to another repository."""

SSH_PROGRAM = BASIC | SSH

GPG = BASIC
"""gpg in a home of its own."""

COMPOSE = _named("PATH")
"""docker compose, whose files may print what it sees; the rest of its environment is made for it."""

OURS = BASIC | HTTPS | _named("VIRTUAL_ENV", "PG", "PYTHON")
"""Processes of the agent that answer strangers or keep decisions: Python, and libpq for the store."""
