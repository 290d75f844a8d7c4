"""The rules: what of the facts breaks them, and where in a service that is to be changed. Pure.

A message goes on after `service web of Stack/wiki`, and never tells the value of a variable.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

from argos_gitops.model.masking import is_secret_name, masked_text
from argos_gitops.providers.docker.policy.facts import LEFT_TO_IMAGE, Facts
from argos_gitops.providers.docker.policy.kinds import (
    CapabilityRule,
    CpuRule,
    LogRule,
    MemoryRule,
    PortRule,
    RegistryRule,
    RestartRule,
    Rule,
    SecretRule,
    SocketRule,
    TagRule,
    UserRule,
)

Path = tuple[str | int, ...]

_SOCKET_PATHS = re.compile(r"/|/var|(/var)?/run|(/var)?/run/(docker|podman/podman)\.sock|(/var)?/run/podman")
_ROTATED = ("json-file", "local")
_DEFAULT_FILES = {"json-file": 1, "local": 5}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_FILLED_IN = re.compile(r"(?<!\S)\S*?\(secret [^()]*+\)\S*")
_HARMLESS = frozenset({"", "true", "false", "yes", "no", "on", "off"})


class Violation(NamedTuple):
    """`path` leads from the service to what is to be changed, or to where something should stand."""

    message: str
    path: Path


Found = Iterator[Violation]


def health_check(rule: Rule, facts: Facts) -> Found:
    if facts.has_check is False:
        yield Violation("has no health check", ("healthcheck",))


def restart_policy(rule: RestartRule, facts: Facts) -> Found:
    if facts.restart is not None and facts.restart not in rule.allow:
        allowed = ", ".join(rule.allow)
        yield Violation(f"has the restart policy {facts.restart}; allowed: {allowed}", ("restart",))


def cpu_limit(rule: CpuRule, facts: Facts) -> Found:
    path = ("deploy", "resources", "limits", "cpus")
    if facts.cpus == 0:
        yield Violation("has no CPU limit", path)
    elif facts.cpus is not None and rule.max is not None and facts.cpus > rule.max:
        yield Violation(f"may take {facts.cpus:g} CPUs; at most {rule.max:g} are allowed", path)


def memory_limit(rule: MemoryRule, facts: Facts) -> Found:
    path = ("deploy", "resources", "limits", "memory")
    if facts.memory == 0:
        yield Violation("has no memory limit", path)
    elif facts.memory is not None and rule.max is not None and facts.memory > rule.max:
        yield Violation(
            f"may take {_size(facts.memory)} of memory; at most {_size(rule.max)} is allowed", path
        )


def log_rotation(rule: LogRule, facts: Facts) -> Found:
    driver, options = facts.log_driver, facts.log_options
    if driver is None or options is None:
        return
    if not driver:
        yield Violation("leaves its logs to the engine, which may keep them for ever", ("logging",))
    elif driver not in rule.drivers:
        allowed = ", ".join(rule.drivers)
        yield Violation(f"has the logging driver {driver}; allowed: {allowed}", ("logging", "driver"))
    elif driver in _ROTATED:
        yield from _rotation(rule, driver, options)


def docker_socket(rule: SocketRule, facts: Facts) -> Found:
    for mount in facts.mounts or ():
        if not _SOCKET_PATHS.fullmatch(mount.source.rstrip("/") or "/"):
            continue
        if not mount.read_only:
            yield Violation(f"can write to the engine's socket (mounts {mount.source})", mount.path)
        elif rule.allow == "never":
            yield Violation(f"sees the engine's socket (mounts {mount.source})", mount.path)


def privileged(rule: Rule, facts: Facts) -> Found:
    if facts.privileged:
        yield Violation("is privileged", ("privileged",))


def non_root(rule: UserRule, facts: Facts) -> Found:
    if facts.user == LEFT_TO_IMAGE:
        if not rule.image_decides:
            yield Violation("names no user, so that the image decides whether it is root", ("user",))
    elif facts.user is not None and facts.user.partition(":")[0] in ("", "0", "root"):
        yield Violation("runs as root", ("user",))


def read_only_root(rule: Rule, facts: Facts) -> Found:
    if facts.read_only is False:
        yield Violation("can write to its root file system", ("read_only",))


def image_tag(rule: TagRule, facts: Facts) -> Found:
    image = facts.image
    if image is None or facts.built or image.digest is not None:
        return
    if image.tag is None and image.tag_or_latest in rule.moving:
        yield Violation(f"has an image without a tag ({image.short}), which means latest", ("image",))
    elif image.tag is not None and _moves(image.tag, rule.moving):
        yield Violation(f"has an image whose tag moves ({image})", ("image",))


def _moves(tag: str, moving: Collection[str]) -> bool:
    """Also `v1-latest-single`: whoever publishes it puts a newer image there."""
    return tag in moving or not set(re.split("[-._]", tag)).isdisjoint(moving)


def image_digest(rule: Rule, facts: Facts) -> Found:
    if facts.image is not None and not facts.built and facts.image.digest is None:
        yield Violation(f"has an image that is not pinned by its digest ({facts.image})", ("image",))


def plain_secrets(rule: SecretRule, facts: Facts) -> Found:
    for name, value in (facts.env or {}).items():
        if name not in rule.ignore and _is_plain_secret(name, value):
            yield Violation(f"has what looks like a secret in plain text in {name}", ("environment", name))


def registries(rule: RegistryRule, facts: Facts) -> Found:
    image = facts.image
    if not rule.allow or image is None or facts.built:
        return
    if not any(f"{image.name}/".startswith(f"{allowed.rstrip('/')}/") for allowed in rule.allow):
        allowed = ", ".join(rule.allow)
        yield Violation(f"has an image from {image.name}; allowed: {allowed}", ("image",))


def host_network(rule: Rule, facts: Facts) -> Found:
    if facts.host_network:
        yield Violation("is in the host's own network", ("network_mode",))


def capabilities(rule: CapabilityRule, facts: Facts) -> Found:
    allowed = {name.upper().removeprefix("CAP_") for name in rule.allow}
    further = [name for name in facts.added or () if name not in allowed]
    if further:
        yield Violation(f"has further capabilities: {', '.join(further)}", ("cap_add",))


def private_ports(rule: PortRule, facts: Facts) -> Found:
    for port in facts.ports or ():
        open_to_all = [each for each in rule.ports if _covers(port.published, each)]
        if open_to_all and not _is_loopback(port.address):
            place = port.address or "all addresses"
            yield Violation(f"publishes port {open_to_all[0]} on {place}, not on loopback alone", port.path)


RULES: Mapping[str, Callable[[Any, Facts], Found]] = {
    "healthCheck": health_check,
    "restartPolicy": restart_policy,
    "cpuLimit": cpu_limit,
    "memoryLimit": memory_limit,
    "logRotation": log_rotation,
    "dockerSocket": docker_socket,
    "privileged": privileged,
    "nonRoot": non_root,
    "readOnlyRoot": read_only_root,
    "imageTag": image_tag,
    "imageDigest": image_digest,
    "plainSecrets": plain_secrets,
    "registries": registries,
    "hostNetwork": host_network,
    "capabilities": capabilities,
    "privatePorts": private_ports,
}
"""By the names that people know them by, in the order in which findings are told."""


def _rotation(rule: LogRule, driver: str, options: Mapping[str, str]) -> Found:
    size, files = _bytes(options.get("max-size", "")), options.get("max-file", "")
    path = ("logging", "options")
    if size is None and driver == "json-file":
        yield Violation("keeps its logs for ever: there is no max-size", path)
    elif (size or 20 << 20) > rule.max_size:
        told = options.get("max-size", "20m, as nothing is said")
        yield Violation(f"keeps logs of {told} a file; at most {_size(rule.max_size)}", (*path, "max-size"))
    count = int(files) if files.isdecimal() else _DEFAULT_FILES[driver]
    if count > rule.max_files:
        yield Violation(f"keeps {count} files of logs; at most {rule.max_files}", (*path, "max-file"))


def _bytes(text: str) -> float | None:
    """The smaller of what `10m` may mean, so that it is neither more than 10MB nor than 10MiB."""
    found = _SIZE.fullmatch(text.strip())
    return None if found is None else float(found[1]) * _UNITS[found[2].lower()]


def _size(count: float) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:g} bytes"


def _is_plain_secret(name: str, value: str) -> bool:
    """A path is a reference to a file; what SOPS or the agent fill in stands there as `(secret NAME)`."""
    literal = _FILLED_IN.sub("", value)
    if literal.lower() in _HARMLESS:
        return False
    if is_secret_name(name):
        return literal == value and not value.startswith("/") and not name.upper().endswith("_FILE")
    return masked_text(literal) != literal


def _covers(published: str, port: int) -> bool:
    first, _, last = published.partition("-")
    return first.isdecimal() and int(first) <= port <= int(last or first)


def _is_loopback(address: str) -> bool:
    try:
        return bool(address) and ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
