"""A service as labelled fields for people. Pure; of the environment only names are ever told."""

from collections.abc import Mapping

from argos_gitops.model.objects import Content
from argos_gitops.model.secret import MASK
from argos_gitops.planning.fields import CHANGED
from argos_gitops.providers.docker.book import Page
from argos_gitops.providers.docker.services import Facts

_SET, _ANOTHER, _ANOTHER_WAY = "set", "set to another value", "changed"
_PLAIN = ("image", "command", "user")
_LISTS = ("ports", "mounts", "networks")
_TOLD_BY = {
    "image": ("image",), "build": ("image",), "command": ("command",), "entrypoint": ("command",),
    "user": ("user",), "ports": ("ports",), "volumes": ("mounts",), "tmpfs": ("mounts",),
    "networks": ("networks",), "network_mode": ("networks",), "mem_limit": ("limits",), "cpus": ("limits",),
    "pids_limit": ("limits",), "deploy": ("limits", "restart"), "restart": ("restart",),
    "healthcheck": ("health",), "read_only": ("readOnly",), "privileged": ("privileged",),
    "cap_add": ("capabilities",), "cap_drop": ("capabilities",),
    "logging": ("logging",), "labels": ("labels",),
}  # fmt: skip
"""The facts that tell of an option. What no fact tells of, or not wholly, is told by its name."""
_NOT_HASHED = ("depends_on", "profiles", "scale", "pull_policy")
"""What Compose's hash does not cover: it makes no container anew."""
_SWITCHES = {"readOnly": "read-only root", "privileged": "privileged"}


def fields_of_service(content: Content) -> dict[str, str]:
    """Reading order: what runs, how it is doing, what it may use, how it is reached."""
    facts: Facts = content["facts"]
    told = {name: str(facts.get(name, "")) for name in _PLAIN}
    told["state"] = content["state"]
    told["replicas"] = str(content["replicas"]) if content["replicas"] != 1 else ""
    told["environment"] = ", ".join(facts.get("env", ()))
    told |= {name: ", ".join(facts.get(name, ())) for name in _LISTS}
    told["networks"] = ", ".join(content["networks"])
    told |= limits_told(content["limits"])
    told["restart policy"] = content["restart"]
    told["health check"] = facts.get("health", "")
    told |= {label: "yes" for name, label in _SWITCHES.items() if facts.get(name)}
    told["capabilities"] = ", ".join(facts.get("capabilities", ()))
    told["logging"] = facts.get("logging", "")
    told |= {f"label {name}": value or "(empty)" for name, value in facts.get("labels", {}).items()}
    return {name: value for name, value in told.items() if value}


def compared(
    before: Content, after: Content, old: Page | None, new: Page | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Both sides of an update, told so that their difference says all that is known of it.

    Variables are told one by one instead of as a list. Where Compose's hash is another one although nothing
    that is shown differs, that is said. The pages are of the two sides, None where we rendered neither.
    """
    was, will = fields_of_service(before), fields_of_service(after)
    was.pop("environment", None)
    will.pop("environment", None)
    moved = _moved(old, new)
    was |= {f"env {name}": _SET for name in before["facts"].get("env", ())}
    will |= {f"env {name}": _ANOTHER if name in moved else _SET for name in after["facts"].get("env", ())}
    if before["hash"] != after["hash"]:
        for name, (one, other) in _untold(before["facts"], after["facts"], old, new).items():
            was[name], will[name] = one, other
    if before["hash"] != after["hash"] and was == will:
        unseen = _unseen(old, new)
        was |= {name: MASK for name in unseen if unseen[name] == CHANGED}
        will |= unseen
    return {name: value for name, value in was.items() if value}, will


def _untold(before: Facts, after: Facts, old: Page | None, new: Page | None) -> Mapping[str, tuple[str, str]]:
    """The options that differ although no fact does that would tell of them. Where one side was never
    rendered, nobody knows those: that is said, too."""
    if old is None or new is None or not old.options or not new.options:
        same = all(before.get(name) == after.get(name) for name in {*before, *after})
        return {} if same else {"other settings": ("not known", "as git has them")}
    found = {}
    for name in sorted({*old.options, *new.options} - {*_NOT_HASHED}):
        if old.options.get(name) == new.options.get(name):
            continue
        if any(before.get(fact) != after.get(fact) for fact in _TOLD_BY.get(name, ())):
            continue
        one, other = (_SET if name in page.options else "" for page in (old, new))
        found[name] = (one, _ANOTHER if one and other else other)
    return {name: sides for name, sides in found.items() if any(sides)}


def _moved(old: Page | None, new: Page | None) -> set[str]:
    """The variables on both sides whose value is known to be another one."""
    if old is None or new is None:
        return set()
    return {name for name, mark in new.env.items() if old.env.get(name, mark) != mark}


def _unseen(old: Page | None, new: Page | None) -> dict[str, str]:
    """What is behind another hash: a secret, if nothing else of the service moved and it has one."""
    secret = [name for name, mark in new.env.items() if not mark] if new is not None else []
    if secret and (old is None or new is None or old.rest == new.rest):
        return {f"env {name}": CHANGED for name in secret}
    return {"other settings": _ANOTHER_WAY}


def limits_told(limits: Mapping[str, float]) -> dict[str, str]:
    told = {"memory limit": _size(int(limits.get("memory", 0))), "CPU limit": f"{limits.get('cpus', 0):g}"}
    told["process limit"] = str(limits.get("pids", 0))
    return {name: value for name, value in told.items() if value not in ("0", "")}


def _size(count: int) -> str:
    """As people write it in Compose files: 512 MiB."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size and count % size == 0:
            return f"{count // size:,} {unit}"
    return f"{count:,} bytes" if count else ""
