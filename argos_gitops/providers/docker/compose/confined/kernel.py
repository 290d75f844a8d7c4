"""What Linux offers to confine a process: user and mount namespaces, Landlock, seccomp.

Imports the standard library alone, and little of it: the launcher runs without site packages, and each
start of Compose waits for it.

Facts: landlock(7) and include/uapi/linux/landlock.h up to ABI 7 (Linux 6.15); seccomp(2) and
include/uapi/linux/audit.h; user_namespaces(7); pivot_root(2). The numbers of Landlock's system calls and of
io_uring_setup are the same on every architecture.
"""

import ctypes
import os
from collections.abc import Iterable, Sequence

UNCONFINED_CODE = 97
"""The exit code of a launcher that did not start its command, as nothing could confine it."""

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_NAMESPACES = _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
_MS_NOATIME, _MS_NODIRATIME, _MS_RELATIME = 1024, 2048, 1 << 21
_ST_RELATIME = 4096
"""The one flag that statvfs and mount count otherwise."""
_KEPT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | _MS_NOATIME | _MS_NODIRATIME
_MNT_DETACH = 2

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2

_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_VERSION, _LANDLOCK_PATH_BENEATH = 1, 1
EXECUTE, _WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES = EXECUTE | _WRITE_FILE | READ_FILE | _TRUNCATE | _IOCTL_DEV
READ = READ_FILE | READ_DIR
_RIGHTS_BY_ABI = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 4: 1 << 15}
_RIGHTS_SINCE_5 = 1 << 16
WRITE = READ | _WRITE_FILE | _TRUNCATE | (1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 12 | 1 << 13)
"""Also makes and removes files, folders, links and sockets, and renames them between folders."""

_SOCKETS = {
    "x86_64": (0xC000003E, (41, 53)),
    "aarch64": (0xC00000B7, (198, 199)),
    "riscv64": (0xC00000F3, (198, 199)),
    "armv7l": (0x40000028, (281, 288)),
}
"""By machine: its AUDIT_ARCH, and the numbers of socket and socketpair."""
_IO_URING_SETUP = 425
_X32_BIT = 0x40000000
_SECCOMP_KILL, _SECCOMP_ERRNO, _SECCOMP_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_EPERM = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare() -> None:
    """Enters namespaces of its own for users, mounts, network, IPC and the host's name.

    Raises OSError where that is not allowed. The user stays the same, and may mount.
    """
    user, group = os.getuid(), os.getgid()
    _checked(_libc.unshare(_NAMESPACES), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs 10 ms
            file.write(text)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _checked(result, f"mount {target}")


def bind(source: str, target: str, *, deep: bool = False) -> None:
    """Shows a file or folder at another place, read-only; what else limits the source stays."""
    mount(source, target, "", MS_BIND | (MS_REC if deep else 0))
    found = os.statvfs(target).f_flag
    kept = found & _KEPT_FLAGS | (_MS_RELATIME if found & _ST_RELATIME else 0)
    mount("", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | kept)


def enter_root(folder: str) -> None:
    """Makes a mounted folder the root; nothing of the old one can be reached any more."""
    os.chdir(folder)
    number = {"x86_64": 155, "armv7l": 218}.get(os.uname().machine, 41)
    _checked(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    _checked(_libc.umount2(b".", _MNT_DETACH), "umount")
    os.chdir("/")


def keep_privileges_down() -> None:
    """No program that is started gains rights by its file; Landlock and seccomp ask for this."""
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, one, none, none, none), "prctl")


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_abi() -> int:
    """The version of Landlock that the kernel offers; 0 where there is none."""
    version = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_VERSION)
    )
    return max(0, int(version))


def restrict_files(rules: Iterable[tuple[str, int]], abi: int, *, network: bool) -> None:
    """Only these paths can be opened from now on, each with its rights; without `network` also no TCP.

    Raises OSError where Landlock refuses. Paths that are not there are left out.
    """
    handled = _RIGHTS_BY_ABI.get(abi, _RIGHTS_SINCE_5) - 1
    attributes = _Ruleset(handled, 0 if network else 3, 0 if network else 3)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _checked(
        _libc.syscall(
            ctypes.c_long(_LANDLOCK_CREATE_RULESET),
            ctypes.byref(attributes),
            ctypes.c_size_t(size),
            ctypes.c_uint32(0),
        ),
        "landlock_create_ruleset",
    )
    for path, rights in rules:
        _add_rule(ruleset, path, rights & handled)
    _checked(
        _libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT_SELF), ruleset, ctypes.c_uint32(0)),
        "landlock_restrict_self",
    )
    os.close(ruleset)


def _add_rule(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    folder = (os.fstat(parent).st_mode & 0o170000) == 0o040000
    rule = _PathBeneath(rights if folder else rights & _OF_FILES, parent)
    result = _libc.syscall(
        ctypes.c_long(_LANDLOCK_ADD_RULE),
        ruleset,
        ctypes.c_int(_LANDLOCK_PATH_BENEATH),
        ctypes.byref(rule),
        ctypes.c_uint32(0),
    )
    os.close(parent)
    _checked(result, f"landlock_add_rule {path}")


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("when", ctypes.c_uint8),
        ("otherwise", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def refuse_sockets() -> bool:
    """No socket can be made from now on, of no family; False on a machine whose numbers are not known."""
    known = _SOCKETS.get(os.uname().machine)
    if known is None:
        return False
    architecture, sockets = known
    refuse_calls(architecture, (*sockets, _IO_URING_SETUP))
    return True


def refuse_calls(architecture: int, numbers: Sequence[int]) -> None:
    """These system calls fail with EPERM from now on; those of another architecture kill the process."""
    load, equal, at_least, back = 0x20, 0x15, 0x35, 0x06
    program = [
        (load, 0, 0, 4),
        (equal, 1, 0, architecture),
        (back, 0, 0, _SECCOMP_KILL),
        (load, 0, 0, 0),
        (at_least, 0, 1, _X32_BIT),
        (back, 0, 0, _SECCOMP_KILL),
    ]
    for number in numbers:
        program += [(equal, 0, 1, number), (back, 0, 0, _SECCOMP_ERRNO | _EPERM)]
    program.append((back, 0, 0, _SECCOMP_ALLOW))
    made = (_Instruction * len(program))(*(_Instruction(*each) for each in program))
    filtering = _Program(len(program), made)
    none = ctypes.c_ulong(0)
    result = _libc.prctl(
        _PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(filtering), none, none
    )
    _checked(result, "seccomp")
