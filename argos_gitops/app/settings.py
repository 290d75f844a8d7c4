"""Bootstrap settings: `argos-gitops.toml`, then the environment, then flags; the later wins.

Only what is needed to reach the repository and our own state stands here; all else is in git.
"""

import re
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from ipaddress import ip_network
from pathlib import Path

from argos_gitops.model.claim import Writer
from argos_gitops.model.errors import SettingsError
from argos_gitops.model.secret import SecretValue
from argos_gitops.model.urls import ENCODED, may_be_cut
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.commits import AUTHOR, Author

SETTINGS_FILE = "argos-gitops.toml"

_SECRETS = frozenset({"git_token", "webhook_secret", "api_token", "agent_token", "age_key"})
_ALSO = {"agent_token": "ARCHNEST_AGENT_TOKEN"}
"""Names that other programs gave to the same; ours win."""
DEFAULT_SOPS_KEYS = "age pgp"
DEFAULT_LISTEN = "127.0.0.1:8780"
DEFAULT_PUBLIC_IP_URL = "https://api.ipify.org"
"""Answers with the address that a request came from, as text; ARGOS_PUBLIC_IP_URL=off asks nobody."""

_OWN_FOLDER = "argos-gitops"
_IN_CACHE = ("mirrors", "caddy", "crowdsec", "docker")
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Settings:
    """All bootstrap settings. Each is `ARGOS_<NAME>` in the environment, and `ARGOS_<NAME>_FILE`."""

    repo: str
    branch: str | None
    path: str
    instance: str
    store: str
    state_dir: Path
    cache_dir: Path
    git_token: SecretValue | None
    ssh_key: str | None
    known_hosts: str | None
    refuse_rewrite: bool
    verify_commits: str
    allowed_signers: str | None
    openpgp_keys: str | None
    age_key: SecretValue | None
    sops_keys: str
    git_environment: tuple[str, ...]
    commit_author: str
    commit_signing_key: str | None
    listen: str | None
    webhook_secret: SecretValue | None
    api_token: SecretValue | None
    agent_token: SecretValue | None
    trusted_proxies: tuple[str, ...]
    targets: tuple[str, ...]
    log_format: str
    public_ip_url: str | None
    geoip_country: str | None
    geoip_country_url: str | None
    docker_compose: str | None
    docker_config: str | None

    @property
    def writer(self) -> Writer:
        """Who writes to targets, as others see it there."""
        address = parse_address(self.repo)
        inside = "" if self.path == "." else f" ({self.path})"
        identity = blake2b(f"{address.identity}#{self.path}".encode(), digest_size=8).hexdigest()
        return Writer(self.instance, f"{address}{inside}", identity, self.branch or "")

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """What is ours alone: the usual folders; of those that somebody chose, what we made there."""
        homes = (self.state_dir.parent, (self.state_dir.name,)), (self.cache_dir, _IN_CACHE)
        return tuple(
            folder
            for home, ours in homes
            for folder in ([home] if home.name == _OWN_FOLDER else [home / name for name in ours])
        )

    @property
    def provider_settings(self) -> dict[str, str]:
        named = {
            "geoip_country": self.geoip_country,
            "geoip_country_url": self.geoip_country_url,
            "docker_compose": self.docker_compose,
            "docker_config": self.docker_config,
        }
        return {name: value for name, value in named.items() if value}


def load_settings(flags: Mapping[str, str | None], environment: Mapping[str, str], folder: Path) -> Settings:
    """The settings that hold in `folder`; SettingsError names what is wrong and where it was set."""
    given = _from_file(folder / SETTINGS_FILE)
    given |= _from_environment(environment)
    given |= {name: value for name, value in flags.items() if value is not None}
    repo = given.get("repo") or "."
    path = (given.get("path") or ".").strip("/") or "."
    state_home = _folder(given, "state_dir", environment, "XDG_STATE_HOME", ".local/state")
    state_dir = state_home / _slug(repo, path)
    _check_verification(given)
    if (key := given.get("commit_signing_key")) and not Path(key).expanduser().is_file():
        raise SettingsError(f"commit_signing_key names {key}, which is no file; expected a private SSH key")
    return Settings(
        repo=repo,
        branch=given.get("branch"),
        path=path,
        instance=_instance(given.get("instance")),
        store=given.get("store") or f"sqlite:///{state_dir / 'argos.db'}",
        state_dir=state_dir,
        cache_dir=_folder(given, "cache_dir", environment, "XDG_CACHE_HOME", ".cache"),
        git_token=_secret(given, "git_token"),
        ssh_key=given.get("ssh_key"),
        known_hosts=given.get("known_hosts"),
        refuse_rewrite=_boolean("refuse_rewrite", given.get("refuse_rewrite")),
        verify_commits=_choice(given, "verify_commits", "off", "head", "strict"),
        allowed_signers=given.get("allowed_signers"),
        openpgp_keys=given.get("openpgp_keys"),
        age_key=_secret(given, "age_key"),
        sops_keys=_sops_keys(given.get("sops_keys", DEFAULT_SOPS_KEYS)),
        git_environment=tuple(given.get("git_environment", "").replace(",", " ").split()),
        commit_author=_author(given.get("commit_author") or str(AUTHOR)),
        commit_signing_key=given.get("commit_signing_key"),
        listen=_unless_off(given.get("listen", DEFAULT_LISTEN)),
        webhook_secret=_secret(given, "webhook_secret"),
        api_token=_secret(given, "api_token"),
        agent_token=_secret(given, "agent_token"),
        trusted_proxies=_networks("trusted_proxies", given.get("trusted_proxies", "127.0.0.0/8 ::1/128")),
        targets=tuple(given.get("targets", "").replace(",", " ").split()),
        log_format=_choice(given, "log_format", "console", "json"),
        public_ip_url=_unless_off(_url(given, "public_ip_url", DEFAULT_PUBLIC_IP_URL)),
        geoip_country=given.get("geoip_country"),
        geoip_country_url=_url(given, "geoip_country_url", "") or None,
        docker_compose=given.get("docker_compose"),
        docker_config=given.get("docker_config"),
    )


def current_secret(name: str, environment: Mapping[str, str]) -> SecretValue | None:
    """A secret setting as it is now: a file that `ARGOS_<NAME>_FILE` names is read anew."""
    variable = f"ARGOS_{name.upper()}"
    value = environment.get(variable)
    if not value and environment.get(f"{variable}_FILE"):
        value = _file_content(f"{variable}_FILE", environment[f"{variable}_FILE"])
    return SecretValue(value) if value else None


def _names() -> list[str]:
    return [field.name for field in fields(Settings)]


def _from_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path}: cannot be read as TOML: {error}") from error
    for name, value in content.items():
        if name not in _names():
            raise SettingsError(f"{path}: unknown setting {name!r}; known are {', '.join(_names())}")
        if name in _SECRETS:
            raise SettingsError(f"{path}: {name} is a secret; set ARGOS_{name.upper()}_FILE instead")
        if not isinstance(value, str | bool):
            raise SettingsError(f"{path}: {name} must be a string")
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in content.items()}


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _names():
        for variable in (*([_ALSO[name]] if name in _ALSO else []), f"ARGOS_{name.upper()}"):
            if environment.get(f"{variable}_FILE"):
                found[name] = _file_content(f"{variable}_FILE", environment[f"{variable}_FILE"])
            if environment.get(variable):
                found[name] = environment[variable]
    return found


def _file_content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable} names {path}: unreadable ({type(error).__name__})") from error


def _folder(
    given: Mapping[str, str], name: str, environment: Mapping[str, str], variable: str, default: str
) -> Path:
    if given.get(name):
        return Path(given[name])
    base = environment.get(variable)
    return (Path(base) if base else Path.home() / default) / _OWN_FOLDER


def _slug(repo: str, path: str) -> str:
    """A folder name for one repository and config path, so that two never share an inventory."""
    identity = parse_address(repo).identity
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(identity).name).strip("-") or "repository"
    return f"{stem}-{blake2b(f'{identity}#{path}'.encode(), digest_size=4).hexdigest()}"


def _instance(name: str | None) -> str:
    chosen = name or re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-.") or "agent"
    if not _INSTANCE.fullmatch(chosen) or ".." in chosen or chosen.endswith(".lock"):
        raise SettingsError("ARGOS_INSTANCE: an instance is letters, digits, '.', '_' and '-', at most 100")
    return chosen


def _sops_keys(text: str) -> str:
    """As it was given, once it is known to be understood."""
    from argos_gitops.secrets.keys import allowed_keys

    allowed_keys(text)
    return text


def _author(text: str) -> str:
    try:
        Author.parse(text)
    except ValueError as error:
        expected = "expected NAME <ADDRESS>, such as Argos <argos@example.com>"
        raise SettingsError(f"ARGOS_COMMIT_AUTHOR: {error}; {expected}") from None
    return text


def _boolean(name: str, value: str | None) -> bool:
    if value is None or value.lower() in ("false", "0", "no"):
        return False
    if value.lower() in ("true", "1", "yes"):
        return True
    raise SettingsError(f"ARGOS_{name.upper()} must be true or false")


def _networks(name: str, value: str) -> tuple[str, ...]:
    found = tuple(value.replace(",", " ").split())
    for each in found:
        try:
            ip_network(each)
        except ValueError:
            expected = "expected addresses and networks, such as 172.16.0.0/12"
            raise SettingsError(f"ARGOS_{name.upper()}: {each!r} is none; {expected}") from None
    return found


def _choice(given: Mapping[str, str], name: str, *choices: str) -> str:
    """The value of a setting, by default the first choice."""
    value = given.get(name, choices[0])
    if value not in choices:
        raise SettingsError(f"ARGOS_{name.upper()} is {value!r}; expected one of {', '.join(choices)}")
    return value


def _check_verification(given: Mapping[str, str]) -> None:
    """Asking for signatures without saying whose must not mean: nobody's are looked at."""
    wanted = _choice(given, "verify_commits", "off", "head", "strict")
    named = {name: given[name] for name in ("allowed_signers", "openpgp_keys") if given.get(name)}
    if wanted != "off" and not named:
        raise SettingsError(
            f"verify_commits is {wanted}, but nothing says whose signatures count; set ARGOS_ALLOWED_SIGNERS "
            "(an SSH allowed-signers file) or ARGOS_OPENPGP_KEYS (a file or folder of public keys)"
        )
    for name, path in named.items():
        if not Path(path).expanduser().exists():
            raise SettingsError(f"{name} names {path}, which is not there")


def _secret(given: Mapping[str, str], name: str) -> SecretValue | None:
    return SecretValue(given[name]) if given.get(name) else None


def _url(given: Mapping[str, str], name: str, default: str) -> str:
    url = given.get(name, default)
    if may_be_cut(url):
        raise SettingsError(f"ARGOS_{name.upper()}: {ENCODED}, and so is an '@' in its path or query")
    return url


def _unless_off(value: str) -> str | None:
    return None if value in ("", "off") else value
