"""What people see of a service: the same facts from Compose's model and from a container. Pure.

Facts never hold a value of an environment variable. They tell people what differs; whether a service is as it
should be is for Compose's config hash to say, so that another spelling is never a difference.

Facts: the Compose specification as `docker compose config --format json` of v2.20 and later prints it, and
`GET /containers/{id}/json` of the Engine API v1.41 and later.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.model.masking import is_secret_name, masked_text
from argos_gitops.model.secret import MASK

Facts = Mapping[str, Any]
"""JSON-able, without what is not set or not known. Keys, in reading order:

    image, command (masked), user, env (names), ports (`127.0.0.1:8080→80/tcp`), mounts (`/srv → /data (ro)`),
    networks (names on the host), limits (memory in bytes, cpus, pids), restart, health (yes, no), readOnly,
    privileged, capabilities (`+NET_ADMIN`, `-ALL`), logging, labels (masked, without Compose's own)
"""

Document = Mapping[str, Any]

NO_RESTART = "no"
_COMPOSE_LABELS = ("com.docker.compose.", "desktop.docker.")
_POLICIES = {"none": NO_RESTART, "any": "always", "": "always"}


def facts_of_service(model: Document, name: str) -> Facts:
    """Of one service of a rendered Compose model."""
    service = model["services"][name]
    return _set(
        image=service.get("image") or f"(built from {_build_context(service)})",
        command=_command(service.get("entrypoint"), service.get("command")),
        user=service.get("user"),
        env=sorted(service.get("environment") or ()),
        ports=sorted(_model_ports(service.get("ports") or ())),
        mounts=sorted(_model_mounts(service, model)),
        networks=networks_of_service(model, name),
        limits=limits_of_service(service),
        restart=restart_of_service(service),
        health=_model_health(service.get("healthcheck")),
        readOnly=service.get("read_only"),
        privileged=service.get("privileged"),
        capabilities=_capabilities(service.get("cap_add"), service.get("cap_drop")),
        logging=_logging(service.get("logging"), "driver", "options"),
        labels=_labels(service.get("labels")),
    )


def facts_of_container(container: Document, image: Document | None = None) -> Facts:
    """Of one container as the engine inspects it; what it only has from its `image` is left out."""
    config, host = container["Config"], container["HostConfig"]
    given = (image or {}).get("Config") or {}
    inherited = set(given.get("Env") or ())
    return _set(
        image=config.get("Image"),
        command=_command(
            _unless(config.get("Entrypoint"), given.get("Entrypoint")),
            _unless(config.get("Cmd"), given.get("Cmd")),
        ),
        user=_unless(config.get("User"), given.get("User")),
        env=sorted(each.partition("=")[0] for each in config.get("Env") or () if each not in inherited),
        ports=sorted(_bound_ports(host.get("PortBindings") or {})),
        mounts=sorted(_container_mounts(container.get("Mounts") or (), host.get("Tmpfs") or {})),
        networks=sorted((container.get("NetworkSettings") or {}).get("Networks") or ()),
        limits=limits_of_container(host),
        restart=restart_of_container(host),
        health=_container_health(config.get("Healthcheck"), given.get("Healthcheck")),
        readOnly=host.get("ReadonlyRootfs"),
        privileged=host.get("Privileged"),
        capabilities=_capabilities(host.get("CapAdd"), host.get("CapDrop")),
        logging=_logging(host.get("LogConfig"), "Type", "Config"),
        labels=_without(_labels(config.get("Labels")), given.get("Labels") or {}),
    )


def facts_of_listed(container: Document) -> Facts:
    """What the list of containers tells of one, without asking for more."""
    ports = (_listed_port(port) for port in container.get("Ports") or ())
    return _set(
        image=container.get("Image"),
        ports=sorted({port for port in ports if port}),
        mounts=sorted(_container_mounts(container.get("Mounts") or (), {})),
        networks=sorted((container.get("NetworkSettings") or {}).get("Networks") or ()),
    )


def replicas_of_service(service: Document) -> int:
    """How many containers a service has; `mode: global` means one on a single host."""
    deploy = service.get("deploy") or {}
    for wanted in (service.get("scale"), deploy.get("replicas")):
        if wanted is not None:
            return int(wanted)
    return 1


def networks_of_service(model: Document, name: str) -> list[str]:
    """The names on the host of the networks that its containers are in."""
    service = model["services"][name]
    mode = service.get("network_mode")
    if mode:
        return [] if ":" in mode else [mode]
    known = model.get("networks") or {}
    return sorted((known.get(each) or {}).get("name", each) for each in service.get("networks") or ())


def limits_of_service(service: Document) -> Mapping[str, float]:
    """Memory in bytes, CPUs and processes; only what is limited. `deploy` wins, as in Compose."""
    deploy = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    return _limits(
        deploy.get("memory") or service.get("mem_limit"),
        deploy.get("cpus") or service.get("cpus"),
        deploy.get("pids") or service.get("pids_limit"),
    )


def limits_of_container(host: Document) -> Mapping[str, float]:
    """The same from the `HostConfig` of a container."""
    return _limits(host.get("Memory"), (host.get("NanoCpus") or 0) / 1e9, host.get("PidsLimit"))


def restart_of_service(service: Document) -> str:
    """`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`."""
    policy = (service.get("deploy") or {}).get("restart_policy")
    if policy is not None:
        condition = policy.get("condition") or ""
        return _policy(_POLICIES.get(condition, condition), policy.get("max_attempts"))
    name, _, attempts = (service.get("restart") or NO_RESTART).partition(":")
    return _policy(name, int(attempts or 0))


def restart_of_container(host: Document) -> str:
    policy = host.get("RestartPolicy") or {}
    return _policy(policy.get("Name") or NO_RESTART, policy.get("MaximumRetryCount"))


def _set(**facts: Any) -> Facts:
    """Without what is empty: `False` and `None` say the same as nothing."""
    return {name: value for name, value in facts.items() if value}


def _limits(memory: Any, cpus: Any, pids: Any) -> Mapping[str, float]:
    found = {"memory": int(memory or 0), "cpus": round(float(cpus or 0), 3), "pids": int(pids or 0)}
    return {name: value for name, value in found.items() if value > 0}


def _policy(name: str, attempts: Any) -> str:
    return f"{name}:{attempts}" if name == "on-failure" and attempts else name


def _build_context(service: Document) -> str:
    build = service.get("build") or {}
    return str(build.get("context", "")) if isinstance(build, dict) else str(build)


def _command(entrypoint: Any, command: Any) -> str:
    words = [*_words(entrypoint), *_words(command)]
    return masked_text(" ".join(words))


def _words(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or ()]


def _model_ports(ports: Iterable[Any]) -> Iterator[str]:
    for port in ports:
        yield _port(
            port.get("host_ip"), port.get("published"), f"{port['target']}/{port.get('protocol', 'tcp')}"
        )


def _bound_ports(bindings: Mapping[str, Any]) -> Iterator[str]:
    for target, places in bindings.items():
        anywhere: Sequence[Document] = ({},)
        for place in places or anywhere:
            yield _port(place.get("HostIp"), place.get("HostPort"), target)


def _listed_port(port: Document) -> str:
    if not port.get("PublicPort"):
        return ""
    return _port(port.get("IP"), port["PublicPort"], f"{port['PrivatePort']}/{port.get('Type', 'tcp')}")


def _port(address: Any, published: Any, target: str) -> str:
    """`0.0.0.0` and `::` are what a port without an address is bound to."""
    place = "" if address in (None, "", "0.0.0.0", "::") else f"{address}:"  # noqa: S104 # read, not bound
    return f"{place}{published or '(any)'}→{target}"


def _model_mounts(service: Document, model: Document) -> Iterator[str]:
    volumes = model.get("volumes") or {}
    for mount in service.get("volumes") or ():
        kind, source = mount.get("type"), mount.get("source")
        if kind == "volume" and source:
            source = (volumes.get(source) or {}).get("name", source)
        yield _mount(kind, source, mount["target"], mount.get("read_only"))
    for path in _words(service.get("tmpfs")):
        yield _mount("tmpfs", None, path.partition(":")[0], False)


def _container_mounts(mounts: Iterable[Document], tmpfs: Mapping[str, str]) -> Iterator[str]:
    for mount in mounts:
        name = mount.get("Name") if mount.get("Type") == "volume" else mount.get("Source")
        yield _mount(mount.get("Type"), name, mount["Destination"], mount.get("RW") is False)
    for path in tmpfs:
        yield _mount("tmpfs", None, path, False)


def _mount(kind: Any, source: Any, target: str, read_only: Any) -> str:
    given = {"bind": source, "volume": f"volume {source}" if source else "volume", "tmpfs": "tmpfs"}
    return f"{given.get(kind, kind)} → {target}{' (ro)' if read_only else ''}"


def _model_health(check: Any) -> str:
    """Nothing where the image decides."""
    if check is None:
        return ""
    test = check.get("test")
    return "no" if check.get("disable") or _words(test)[:1] == ["NONE"] else "yes"


def _container_health(check: Any, inherited: Any) -> str:
    if not check or check == inherited:
        return ""
    return "no" if (check.get("Test") or ())[:1] == ["NONE"] else "yes"


def _capabilities(added: Any, dropped: Any) -> list[str]:
    return [*(f"+{each}" for each in sorted(added or ())), *(f"-{each}" for each in sorted(dropped or ()))]


def _logging(config: Any, driver: str, options: str) -> str:
    if not config:
        return ""
    told = [
        f"{name}={_masked(name, str(value))}" for name, value in sorted((config.get(options) or {}).items())
    ]
    kind = config.get(driver) or ""
    return " ".join([*([] if kind == "json-file" and not told else [kind]), *told]).strip()


def _masked(name: str, value: str) -> str:
    """The value of a label or option as it may be shown; yes and no are no secrets, whatever their name."""
    plain = value in ("", "true", "false") or not is_secret_name(name)
    return masked_text(value) if plain else MASK


def _labels(labels: Any) -> Mapping[str, str]:
    """Compose prints them as a mapping, whatever they were written as."""
    return {
        name: _masked(name, str(value))
        for name, value in sorted((labels or {}).items())
        if not name.startswith(_COMPOSE_LABELS)
    }


def _without(labels: Mapping[str, str], inherited: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in labels.items() if inherited.get(name) != value}


def _unless(value: Any, inherited: Any) -> Any:
    return None if value == inherited else value
