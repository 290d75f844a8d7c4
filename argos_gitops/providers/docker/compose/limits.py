"""What a Stack must not ask of the machine that runs Compose: its files, its programs, its credentials. Pure.

A Stack may do whatever it likes with its own Docker host, as far as policies let it. The agent may be on
another machine, and knows secrets of other Stacks and hosts: those are out of bounds.

Judged is the model that Compose itself printed, by lists of what is allowed: each option that the
Compose specification knows is either for the engine alone, or has a rule here. What is in no list is refused.

Facts: the schema of compose-go 2.9.1 (`schema/compose-spec.json`) and the types that it prints; which of them
Compose 2.40.3 reads where it runs is from `pkg/compose/create.go` (security_opt, credential_spec),
`build.go`, `build_bake.go`, `build_classic.go` (build), `plugins.go` (provider) and `model.go` (models).
"""

import posixpath
import re
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, NamedTuple

_RESERVED = re.compile(
    r"^(PATH|HOME|PWD|SHELL|TMPDIR|GODEBUG|GOTRACEBACK|GOGC|GOMEMLIMIT|GOMAXPROCS"
    r"|(LD|DYLD|COMPOSE|BUILDX|BUILDKIT)_.*"
    r"|DOCKER_(API_VERSION|AUTH_CONFIG|BUILDKIT|CERT_PATH|CLI_.*|CONFIG|CONTENT_TRUST.*|CONTEXT|CUSTOM_HEADERS"
    r"|DEFAULT_PLATFORM|HIDE_LEGACY_COMMANDS|HOST|ORCHESTRATOR|TLS|TLS_VERIFY|TMPDIR)"
    r"|SSH_(AGENT_PID|ASKPASS.*|AUTH_SOCK|CLIENT|CONNECTION|SK_.*|TTY)"
    r"|GIT_(ALLOW_PROTOCOL|ASKPASS|COMMON_DIR|CONFIG.*|CURL_.*|DIR|EXEC_PATH|EXTERNAL_DIFF|INDEX_FILE|NAMESPACE"
    r"|OBJECT_DIRECTORY|PROTOCOL.*|PROXY_.*|SSH|SSH_COMMAND|SSH_VARIANT|SSL_.*|TEMPLATE_DIR|TERMINAL_PROMPT"
    r"|TRACE.*|WORK_TREE)"
    r"|XDG_(CACHE_HOME|CONFIG_DIRS|CONFIG_HOME|DATA_DIRS|DATA_HOME|RUNTIME_DIR|STATE_HOME))$"
)
"""Names that mean something to programs. They could not do anything here, as values never are in the
environment of a process; whoever uses one means something that does not happen. Names that only look alike
(GIT_SHA, SSH_PORT, DOCKER_GID) are people's own."""

_MODELS = "models are run by a program beside Compose, where the agent runs; remove them"

Model = Mapping[str, Any]
Way = tuple[str | int, ...]

_SECTIONS = {"name", "version", "services", "networks", "volumes", "secrets", "configs", "models"}
_NETWORK = {
    "name", "driver", "driver_opts", "ipam", "external", "internal", "attachable", "labels",
    "enable_ipv4", "enable_ipv6",
}  # fmt: skip
_VOLUME = {"name", "driver", "driver_opts", "external", "labels"}
_SOURCE = {
    "name", "file", "environment", "content", "external", "labels", "driver", "driver_opts",
    "template_driver",
}  # fmt: skip
_FOR_THE_ENGINE = {
    "annotations", "attach", "blkio_config", "cap_add", "cap_drop", "cgroup", "cgroup_parent",
    "command", "configs", "container_name", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota",
    "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "depends_on", "deploy",
    "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "domainname", "entrypoint",
    "environment", "expose", "external_links", "extra_hosts", "gpus", "group_add", "healthcheck",
    "hostname", "image", "init", "ipc", "isolation", "labels", "links", "log_driver", "log_opt",
    "logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "net",
    "network_mode", "networks", "oom_kill_disable", "oom_score_adj", "pid", "pids_limit", "platform",
    "ports", "post_start", "pre_stop", "privileged", "profiles", "pull_policy", "pull_refresh_after",
    "read_only", "restart", "runtime", "scale", "secrets", "shm_size", "stdin_open",
    "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "user",
    "userns_mode", "uts", "volume_driver", "volumes", "volumes_from", "working_dir",
}  # fmt: skip
"""Options of a service that Compose hands on. `volumes` name paths of the host; hooks run inside."""
_BUILD_FOR_THE_ENGINE = {
    "args", "dockerfile_inline", "extra_hosts", "isolation", "labels", "network", "no_cache",
    "platforms", "privileged", "provenance", "pull", "sbom", "secrets", "shm_size", "tags", "target",
    "ulimits",
}  # fmt: skip

_REMOTE_CONTEXT = re.compile(r"^(https?|git)://|^github\.com/")
"""What can be had without an account; `git@` and `ssh://` would use the agent's keys."""
_REMOTE_ADDITION = re.compile(r"^(https?|git|docker-image)://|^github\.com/|^(service|target):")
_CACHE = re.compile(
    r"type=(registry|inline)"
    r"(,(ref|mode|compression|compression-level|force-compression|oci-mediatypes|image-manifest|ignore-error)"
    r"=[\w./:@-]+)*|(?!type=)[\w.-]+(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]+)?"
)
"""Of what BuildKit's exporters know; of two with one name the last one would win, `type` among them."""
_ENTITLEMENTS = {"network.host", "security.insecure", "device"}
_SECURITY = re.compile(
    r"no-new-privileges([:=](true|false))?|(apparmor|label)[:=][\w.:@,+/-]+|seccomp[:=](unconfined|builtin)"
    r"|systempaths=unconfined|writable-cgroups([:=](true|false))?"
)
_PROFILE = re.compile(r"seccomp[:=](.+)", re.DOTALL)


class Excess(NamedTuple):
    """One thing too much: the way to it in the model, and why."""

    way: Way
    message: str


def is_reserved(name: str) -> bool:
    """Whether a variable would steer Compose or a program that it starts, were it in its environment."""
    return _RESERVED.match(name) is not None


def excesses(model: Model, directory: str, files: Container[str]) -> Iterator[Excess]:
    """`directory` is where the Stack's files lie, in the paths of the model; `files` are theirs below it."""
    folder = _Folder(directory, files)
    yield from _unknown((), model, _SECTIONS)
    for section, known in (("networks", _NETWORK), ("volumes", _VOLUME)):
        for name, options in (model.get(section) or {}).items():
            yield from _unknown((section, name), options or {}, known)
    for section in ("configs", "secrets"):
        for name, source in (model.get(section) or {}).items():
            yield from _source((section, name), source, folder)
    if model.get("models"):
        yield Excess(
            ("models",), "models are run by a program beside Compose, where the agent runs; remove them"
        )
    for name, service in (model.get("services") or {}).items():
        yield from _service(("services", name), service, folder)


class _Folder(NamedTuple):
    directory: str
    files: Container[str]

    def holds(self, path: str) -> bool:
        """Whether a path lies in the folder."""
        normal = posixpath.normpath(path)
        return normal == self.directory or normal.startswith(f"{self.directory.rstrip('/')}/")

    def has(self, path: str) -> bool:
        """Whether a path, absolute or from the folder, is one of the files in git."""
        normal = posixpath.normpath(posixpath.join(self.directory, path))
        return self.holds(normal) and posixpath.relpath(normal, self.directory) in self.files


def _unknown(way: Way, options: Mapping[str, Any], known: Container[str]) -> Iterator[Excess]:
    for name, value in options.items():
        if name not in known and not name.startswith("x-") and value is not None:
            message = (
                f"{name} is not known here, and Compose might read the agent's files for it; "
                "remove it, or use a newer argos-gitops"
            )
            yield Excess((*way, name), message)


def _source(way: Way, source: Mapping[str, Any], folder: _Folder) -> Iterator[Excess]:
    yield from _unknown(way, source, _SOURCE)
    path, variable = source.get("file"), source.get("environment")
    if path is not None and not folder.holds(path):
        yield Excess((*way, "file"), _outside(path))
    if variable is not None and is_reserved(variable):
        message = f"{variable} steers Compose itself; give the variable another name"
        yield Excess((*way, "environment"), message)


def _service(way: Way, service: Mapping[str, Any], folder: _Folder) -> Iterator[Excess]:
    for name, value in service.items():
        rule = _RULES.get(name)
        if rule is not None and value not in (None, False):
            yield from rule((*way, name), value, folder)
    yield from _unknown(way, service, _FOR_THE_ENGINE | _RULES.keys())


def _provider(way: Way, value: Any, folder: _Folder) -> Iterator[Excess]:
    yield Excess(way, "a provider is a program that would run where the agent runs; Stacks cannot have any")


def _models(way: Way, value: Any, folder: _Folder) -> Iterator[Excess]:
    yield Excess(way, _MODELS)


def _api_socket(way: Way, value: Any, folder: _Folder) -> Iterator[Excess]:
    message = "this would hand the agent's registry logins to the container; mount the socket instead"
    yield Excess(way, message)


def _credential_spec(way: Way, value: Any, folder: _Folder) -> Iterator[Excess]:
    path = value.get("file")
    if path is not None and not folder.has(path):
        yield Excess((*way, "file"), _outside(path))
    yield from _unknown(way, value, {"file", "registry", "config"})


def _security(way: Way, value: Any, folder: _Folder) -> Iterator[Excess]:
    """`seccomp:PATH` is read where Compose runs, and told to the engine."""
    for number, option in enumerate(value):
        profile = _PROFILE.fullmatch(option)
        if _SECURITY.fullmatch(option):
            continue
        if profile is None:
            message = f"{option} is not known here; no-new-privileges, apparmor, label and seccomp are"
            yield Excess((*way, number), message)
        elif not folder.has(profile[1]):
            yield Excess((*way, number), _outside(profile[1]))


def _paths(way: Way, value: Any, folder: _Folder) -> Iterator[Excess]:
    """Of `env_file` and `label_file`, where Compose prints them."""
    for number, each in enumerate(value if isinstance(value, list) else [value]):
        path = each.get("path", "") if isinstance(each, Mapping) else str(each)
        if not folder.holds(posixpath.join(folder.directory, path)):
            yield Excess((*way, number), _outside(path))


def _develop(way: Way, value: Any, folder: _Folder) -> Iterator[Excess]:
    for number, each in enumerate(value.get("watch") or ()):
        path = each.get("path", "")
        if not folder.holds(posixpath.join(folder.directory, path)):
            yield Excess((*way, "watch", number, "path"), _outside(path))
    yield from _unknown(way, value, {"watch"})


def _build(way: Way, build: Any, folder: _Folder) -> Iterator[Excess]:
    if build.get("ssh"):
        yield Excess((*way, "ssh"), "this would lend the agent's SSH keys to the build; remove it")
    yield from _contexts(way, build, folder)
    for option in ("cache_from", "cache_to"):
        for number, cache in enumerate(build.get(option) or ()):
            if not _CACHE.fullmatch(cache):
                message = f"{cache} would read or write where the agent runs; use an image, or type=registry"
                yield Excess((*way, option, number), message)
    for number, entitlement in enumerate(build.get("entitlements") or ()):
        if entitlement not in _ENTITLEMENTS:
            yield Excess((*way, "entitlements", number), f"{entitlement} is not known here; remove it")
    yield from _unknown(way, build, _BUILD_FOR_THE_ENGINE | _BUILD_RULES)


def _contexts(way: Way, build: Any, folder: _Folder) -> Iterator[Excess]:
    """Compose prints folders as absolute paths: whatever else is no known address is refused."""
    context, dockerfile = build.get("context"), build.get("dockerfile") or "Dockerfile"
    if context is not None and _REMOTE_CONTEXT.match(context):
        if posixpath.normpath(dockerfile).startswith(("/", "..")):
            yield Excess((*way, "dockerfile"), _outside(dockerfile))
    elif context is not None and not folder.holds(context):
        yield Excess(way, _outside(context))
    elif context is not None and not folder.holds(posixpath.join(context, dockerfile)):
        yield Excess((*way, "dockerfile"), _outside(dockerfile))
    for name, other in (build.get("additional_contexts") or {}).items():
        if not _REMOTE_ADDITION.match(other) and not folder.holds(other):
            yield Excess((*way, "additional_contexts", name), _outside(other))


_BUILD_RULES = {
    "additional_contexts",
    "cache_from",
    "cache_to",
    "context",
    "dockerfile",
    "entitlements",
    "ssh",
}
_RULES: Mapping[str, Callable[[Way, Any, _Folder], Iterator[Excess]]] = {
    "build": _build,
    "credential_spec": _credential_spec,
    "develop": _develop,
    "env_file": _paths,
    "label_file": _paths,
    "models": _models,
    "provider": _provider,
    "security_opt": _security,
    "use_api_socket": _api_socket,
}


def _outside(path: str) -> str:
    return f"{path} is not among the Stack's files; put it into its folder (encrypted, if it is secret)"
