"""The environment that git runs in: credentials without argv, no secret that it does not need, and no
surprise from configuration.

What a user configured for transport (proxies, certificate authorities, credential helpers,
`insteadOf`) keeps working. What could run code of a repository, wait for a person, or change how we
read and write (hooks, fsmonitor, prompts, other protocols, recursion into submodules) is overridden
through the environment, which wins over every configuration file.
"""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from argos_gitops.model.inheritance import GIT, GIT_TRANSPORT, Inheritance
from argos_gitops.model.secret import MASK, SecretValue
from argos_gitops.vcs.address import Address, redact_urls
from argos_gitops.vcs.commits import AUTHOR, Author

_USERNAME = "ARGOS_GIT_AUTH_USERNAME"
_PASSWORD = "ARGOS_GIT_AUTH_PASSWORD"  # noqa: S105 - the name of a variable
_HELPER = (
    '!f() { test "$1" = get && '
    f"""printf 'username=%s\\npassword=%s\\n' "${_USERNAME}" "${_PASSWORD}"; }}; f"""
)
_TOKEN_USER = "x-access-token"  # noqa: S105 - forges take any user name beside a token, this is GitHub's

_HARMLESS_FLAWS = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "multipleAuthors",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
"""What old and converted repositories hold, and other programs wrote: odd author lines, and modes with a zero
before them. Neither is read here. All that names a file in an odd way, or hides content, is refused."""

_SETTINGS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.fsckObjects", "true"),
    ("transfer.fsckObjects", "true"),
    *((f"fetch.fsck.{harmless}", "ignore") for harmless in _HARMLESS_FLAWS),
    ("fetch.prune", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
    ("protocol.version", "2"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("push.recurseSubmodules", "no"),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a repository may ask for. `token` wins over a password in the URL.

    `renewed` is asked for the token before each use, so that a new one is taken without a restart. With
    `ssh_key` no other key is offered; with `known_hosts` no other file is believed. An unknown host key
    is always refused. `author` makes the commits that are pushed there.
    """

    token: SecretValue | None = None
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    renewed: Callable[[], SecretValue | None] | None = None
    environment: tuple[str, ...] = ()
    author: Author = AUTHOR

    def current(self) -> "Credentials":
        """As they are now."""
        return self if self.renewed is None else replace(self, token=self.renewed())


NO_CREDENTIALS = Credentials()


def git_environment(address: Address | None, credentials: Credentials = NO_CREDENTIALS) -> dict[str, str]:
    """All variables of a git that speaks to `address`, or that works in a repository here (None).

    Only the former gets credentials.
    """
    authentication, variables = _authentication(address, credentials) if address else ([], {})
    inherits = GIT if address is None else GIT_TRANSPORT | Inheritance(frozenset(credentials.environment))
    ours = inherits.of(os.environ)
    return {
        **ours,
        "GIT_ALLOW_PROTOCOL": ":".join(("file", "git", "http", "https", "ssh")),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_SSH_COMMAND": _ssh_command(credentials),
        "GIT_TERMINAL_PROMPT": "0",
        "LANGUAGE": "C",
        "LC_ALL": "C",
        "SSH_ASKPASS": "",
        **variables,
        **_as_configuration([*_SETTINGS, *authentication], ours),
    }


def with_settings(environment: Mapping[str, str], settings: list[tuple[str, str]]) -> dict[str, str]:
    """An environment for git with further settings, which win over those that it has already."""
    return {**environment, **_as_configuration(settings, environment)}


def redactor(address: Address | None, credentials: Credentials = NO_CREDENTIALS) -> Callable[[str], str]:
    """A function that masks the secrets of this repository, however they are spelled, in a text."""
    secrets = [credentials.token, address.password if address else None]
    texts = {secret.reveal() for secret in secrets if secret and secret.reveal()}
    if address and address.username and not address.password:
        texts.add(address.username)  # `https://TOKEN@host/` is common
    spellings = sorted(texts | {quote(text, safe="") for text in texts}, key=len, reverse=True)

    def redact(text: str) -> str:
        for spelling in spellings:
            text = text.replace(spelling, MASK)
        return redact_urls(text)

    return redact


def _authentication(
    address: Address, credentials: Credentials
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """A credential helper of our own, asked for this one origin alone.

    With a secret of ours it replaces the user's helpers; with a bare user name it comes after them.
    """
    secret = credentials.token or address.password
    if address.origin is None or not (secret or address.username):
        return [], {}
    section = f"credential.{address.origin}"
    settings = [(f"{section}.username", address.username)] if address.username else []
    if secret:
        settings.append((f"{section}.helper", ""))
    settings.append((f"{section}.helper", _HELPER))
    return settings, {
        _USERNAME: address.username or _TOKEN_USER,
        _PASSWORD: secret.reveal() if secret else "",
    }


def _ssh_command(credentials: Credentials) -> str:
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=20", "ServerAliveInterval=15"]
    command = ["ssh", *(part for option in options for part in ("-o", option))]
    if credentials.known_hosts:
        command += ["-o", f"UserKnownHostsFile={credentials.known_hosts}", "-o", "GlobalKnownHostsFile=none"]
    if credentials.ssh_key:
        command += ["-i", str(credentials.ssh_key), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
    return shlex.join(command)


def _as_configuration(settings: list[tuple[str, str]], inherited: Mapping[str, str]) -> dict[str, str]:
    """Settings as GIT_CONFIG_* variables, after those that the user gave in the same way."""
    text = inherited.get("GIT_CONFIG_COUNT", "0")
    start = int(text) if text.isdigit() else 0
    variables = {"GIT_CONFIG_COUNT": str(start + len(settings))}
    for number, (key, value) in enumerate(settings, start):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
