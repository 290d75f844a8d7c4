"""Confines itself and becomes the command: `launcher.py [--network] --read PATH [--write PATH] -- COMMAND`.

Without `--network` the command sees the paths of `--read`, its own program, and nothing else, and has no
socket. Two means lead there, and both are taken where there are both: a root and a network of its own
(namespaces), and Landlock with seccomp, which work inside of a container too. Where neither can be had, the
command is not started.

With `--network` the command may talk to whoever it likes, and opens the paths that are named, those of
programs (the system's, on PATH, plugins), and nothing else, where there is Landlock.

Exit code: the command's own, or UNCONFINED_CODE with one line on stderr.
"""

import importlib
import os
import sys

TYPE_CHECKING = False  # as in typing, which takes longer to import than all the rest
if TYPE_CHECKING:
    from argos_gitops.providers.docker.compose.confined import kernel
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - without pathlib
    kernel = importlib.import_module("kernel")

_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/alternatives",
)
"""Where programs and their libraries lie; no machine keeps secrets there."""
_FOR_NETWORK = (
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/docker/certs.d",
    "/etc/gitconfig",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)
_PT_INTERP = 3


def main(words: list[str]) -> None:
    read, write, network, command = _parsed(words)
    program = os.path.realpath(command[0])
    if network:
        _restrict_files(read, write, program)
    else:
        folder = os.getcwd()  # noqa: PTH109
        system = _SYSTEM if needs_system(program) else ()
        try:
            _confine(read, program, system)
        except OSError as error:
            _refuse(str(error))
        os.chdir(folder)
    try:
        os.execve(program, command, os.environ)  # noqa: S606 - there is no shell
    except OSError as error:
        _refuse(f"{program} cannot be started: {error.strerror}")


def _parsed(words: list[str]) -> tuple[list[str], list[str], bool, list[str]]:
    end = words.index("--")
    options, command = words[:end], words[end + 1 :]
    paths: dict[str, list[str]] = {"--read": [], "--write": []}
    network = options[:1] == ["--network"]
    pairs = options[1:] if network else options
    for option, path in zip(pairs[::2], pairs[1::2], strict=True):
        paths[option].append(path)
    return paths["--read"], paths["--write"], network, command


def _confine(read: list[str], program: str, system: tuple[str, ...]) -> None:
    """Raises OSError where nothing can keep files or the network away."""
    rooted = _has_own_root(read, program, system)
    kernel.keep_privileges_down()
    abi = kernel.landlock_abi()
    if abi:
        rules = [(path, kernel.READ) for path in read]
        rules += [(path, kernel.READ | kernel.EXECUTE) for path in (*system, program)]
        kernel.restrict_files(rules, abi, network=False)
    socketless = kernel.refuse_sockets()
    if not rooted and not abi:
        raise OSError(0, "neither user namespaces nor Landlock can be used")
    if not rooted and not socketless:
        raise OSError(0, f"no user namespaces, and no seccomp filter for {os.uname().machine}")


def _has_own_root(read: list[str], program: str, system: tuple[str, ...]) -> bool:
    """Whether the process stands in a root that holds these paths alone, and has no network."""
    root = f"{read[0]}/.argos/root"
    try:
        kernel.unshare()
        kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
        for path in (*system, program, *read):
            _show(root, path)
    except OSError:
        return False
    kernel.enter_root(root)
    kernel.mount("", "/", "", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID)
    return True


def _show(root: str, path: str) -> None:
    """At the same path below `root`; a path that is not there, or is there already, is left out."""
    place = root + path
    if os.path.lexists(place) or not os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
    if os.path.islink(path):  # noqa: PTH114
        os.symlink(os.readlink(path), place)  # noqa: PTH115, PTH211
        return
    if os.path.isdir(path):  # noqa: PTH112
        os.mkdir(place)  # noqa: PTH102
    else:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC))
    kernel.bind(path, place)


def _restrict_files(read: list[str], write: list[str], program: str) -> None:
    abi = kernel.landlock_abi()
    if not abi:
        return
    runs = kernel.READ | kernel.EXECUTE
    rules = [(path, runs) for path in (*_SYSTEM, "/opt", program, *_program_folders())]
    rules += [(path, kernel.READ) for path in (*_FOR_NETWORK, *read)]
    rules += [(path, kernel.WRITE) for path in (*write, "/dev/null")]
    try:
        kernel.keep_privileges_down()
        kernel.restrict_files(rules, abi, network=True)
    except OSError as error:
        _refuse(str(error))


def _program_folders() -> list[str]:
    """Where Compose finds what helps it: on PATH, and beside its logins."""
    folders = [path for path in os.environ.get("PATH", "").split(":") if path.startswith("/") and path != "/"]
    logins = os.environ.get("DOCKER_CONFIG")
    return [*folders, f"{logins}/cli-plugins"] if logins else folders


def needs_system(program: str) -> bool:
    """Whether a program cannot run without libraries or an interpreter: a script, or linked dynamically."""
    with open(program, "rb") as file:  # noqa: PTH123
        head = file.read(64)
        if head[:4] != b"\x7fELF":
            return True
        wide, order = head[4] == 2, "little" if head[5] == 1 else "big"
        place, size = (32, 8) if wide else (28, 4)
        at = int.from_bytes(head[place : place + size], order)  # type: ignore[arg-type]
        step, count = (
            int.from_bytes(head[start : start + 2], order)  # type: ignore[arg-type]
            for start in ((54, 56) if wide else (42, 44))
        )
        file.seek(at)
        headers = file.read(step * count)
    kinds = (headers[start : start + 4] for start in range(0, step * count, step))
    return any(int.from_bytes(kind, order) == _PT_INTERP for kind in kinds)  # type: ignore[arg-type]


def _refuse(message: str) -> None:
    os.write(2, f"{message}\n".encode())
    os._exit(kernel.UNCONFINED_CODE)


if __name__ == "__main__":
    main(sys.argv[1:])
