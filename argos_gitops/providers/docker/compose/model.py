"""What we add to Compose's model before it runs: labels for what its own hash does not cover.

The model is plain data, as JSON has it. Every `$` in it is doubled, as it will be read by Compose again.
"""

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.model.containers import CONTENT_LABEL
from argos_gitops.model.folder import FolderFile
from argos_gitops.model.objects import digest_of

Model = dict[str, Any]
Service = Mapping[str, Any]

_SHARING = ("network_mode", "ipc", "pid")
_COST = 2**14
"""Of scrypt: some 50 ms, so that a label tells nothing of a short secret."""


def services_of(model: Model) -> dict[str, dict[str, Any]]:
    return model.get("services") or {}


def label(service: dict[str, Any], name: str, value: str) -> None:
    """Sets a label unless the user did."""
    labels = service.get("labels") or {}
    service["labels"] = {name: value, **labels}


def without_absent(model: Model) -> None:
    """Takes out dependencies on services that do not run, where they may be missing (`required: false`).

    Compose prints them, and then takes no such model.
    """
    services = services_of(model)
    for service in services.values():
        wanted = service.get("depends_on") or {}
        for name in [
            each for each in wanted if each not in services and not wanted[each].get("required", True)
        ]:
            del wanted[name]


def reads_files(model: Model) -> bool:
    """Whether Compose opens a file of the Stack once more when it starts containers: a profile of seccomp."""
    options = (
        option for service in services_of(model).values() for option in service.get("security_opt") or ()
    )
    return any(option.startswith("seccomp") for option in options)


def environment_names(model: Model) -> list[str]:
    """The variables that `secrets` and `configs` take their content from."""
    sources = [*(model.get("secrets") or {}).values(), *(model.get("configs") or {}).values()]
    return sorted({source["environment"] for source in sources if source.get("environment")})


def with_neutral_names(model: Model, values: Mapping[str, str]) -> tuple[Model, dict[str, str]]:
    """The model, and the values that it takes from variables, by names that mean nothing to any program."""
    names = {name: f"ARGOS_VALUE_{number}" for number, name in enumerate(sorted(values))}
    renamed = dict(model)
    for section in ("secrets", "configs"):
        if section in model:
            renamed[section] = {
                key: _with_variable(source, names.get(source.get("environment", ""), ""))
                for key, source in model[section].items()
            }
    return renamed, {names[name]: value for name, value in values.items()}


def _with_variable(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {**source, "environment": name} if name else source


def shared_services(service: Service) -> list[str]:
    """The services whose containers this one cannot do without: it lives in their namespaces or volumes."""
    modes = [str(service.get(name) or "") for name in _SHARING]
    shared = [mode.removeprefix("service:") for mode in modes if mode.startswith("service:")]
    volumes = [str(each) for each in service.get("volumes_from") or ()]
    return [*shared, *(each.partition(":")[0] for each in volumes if not each.startswith("container:"))]


def with_dependents(model: Model, names: Iterable[str]) -> list[str]:
    """These services, and those that live in their namespaces: they must be made anew together."""
    found = set(names)
    sharing = {name: shared_services(service) for name, service in services_of(model).items()}
    while further := {name for name, shared in sharing.items() if found & set(shared)} - found:
        found |= further
    return sorted(found)


class Contents:
    """What the services of one model mount, or are `built` of, that Compose's hash does not cover."""

    def __init__(
        self,
        model: Model,
        directory: str,
        files: Sequence[FolderFile],
        values: Mapping[str, str],
        *,
        built: bool = False,
    ) -> None:
        self._built = built
        self._model = model
        self._directory = directory
        self._files = files
        self._values = values

    def mark(self) -> None:
        """Labels each service that mounts any."""
        for name, service in services_of(self._model).items():
            files = sorted({file for source in self._sources(service) for file in self._below(source)})
            texts = sorted(self._texts(service))
            if files or texts:
                salt = f"{self._model.get('name')}/{name}"
                label(service, CONTENT_LABEL, digest_of([[list(file) for file in files], _slow(texts, salt)]))

    def _sources(self, service: Service) -> Iterator[str]:
        for mount in service.get("volumes") or ():
            if mount.get("type") == "bind":
                yield mount.get("source", "")
        for _, _, source in self._references(service):
            yield source.get("file", "")
        if self._built and service.get("build"):
            yield service["build"].get("context", "")

    def _texts(self, service: Service) -> Iterator[tuple[str, str, str]]:
        for section, name, source in self._references(service):
            text = source.get("content") or self._values.get(source.get("environment", ""))
            if text:
                yield section, name, text

    def _references(self, service: Service) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for section in ("configs", "secrets"):
            for used in service.get(section) or ():
                yield section, used["source"], (self._model.get(section) or {}).get(used["source"], {})

    def _below(self, source: str) -> Iterator[FolderFile]:
        """The files of the folder at, or below, a path on the host."""
        if source != self._directory and not source.startswith(f"{self._directory}/"):
            return
        path = posixpath.relpath(source, self._directory)
        for file in self._files:
            if path in (".", file.path) or file.path.startswith(f"{path}/"):
                yield file


def _slow(texts: Sequence[tuple[str, str, str]], salt: str) -> str:
    if not texts:
        return ""
    plain = digest_of([list(text) for text in texts]).encode()
    return hashlib.scrypt(plain, salt=salt.encode(), n=_COST, r=8, p=1, dklen=16).hex()
