"""A real PostgreSQL: a cluster of its own on loopback, quick because it may forget (fsync off).

Facts: PostgreSQL 15 and 18.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from tests.components.lookup import find_program
from tests.components.ports import free_port
from tests.components.process import RealProcess

HOW_TO_GET = "scripts/components postgres"
_USER = "argos"
_NOBODY = 65534

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # In files of the cluster: what is killed leaves nothing in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
}


class RealPostgres(RealProcess):
    """A server that lets everybody on loopback in as its superuser; databases are made on demand."""

    def __init__(self, folder: Path) -> None:
        program = find_program("postgres", HOW_TO_GET)
        initdb = find_program("initdb", HOW_TO_GET)
        folder.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        self._databases = 0
        cluster = folder / "cluster"
        _make_cluster(initdb, cluster)
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(program), "-D", str(cluster), "-p", str(self._port), *settings]
        super().__init__(_unprivileged(command), folder / "postgres.log", self._answers, {"LC_ALL": "C"})

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"argos_{os.getpid()}_{self._databases}"
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/{name}"

    def stop(self) -> None:
        """Ends the sessions of all clients, and then itself."""
        self._end(lambda process: process.send_signal(signal.SIGINT))

    def kill(self) -> None:
        """As a power cut would, but for the shared memory, which no cut leaves behind."""
        self._end(lambda process: process.send_signal(signal.SIGQUIT))

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self._port, user=_USER, dbname="postgres", autocommit=True
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _make_cluster(initdb: Path, cluster: Path) -> None:
    cluster.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(cluster, _NOBODY, _NOBODY)
    options = ["--username", _USER, "--auth", "trust", "--no-sync", "--no-locale", "--encoding", "UTF8"]
    options += ["--wal-segsize", "1"]
    command = _unprivileged([str(initdb), "--pgdata", str(cluster), *options])
    subprocess.run(command, check=True, capture_output=True, env={"LC_ALL": "C"}, cwd="/")


def _unprivileged(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root: then it is nobody, who may yet enter the folders of root.

    Tied to us anew, as Linux unties whoever changes its user; ended in a way that clears up. Without
    the fix-up access(2), with which PostgreSQL looks for its programs, would forget the capability, and
    not find them in a home folder of root's.
    """
    if os.geteuid() != 0:
        return list(command)
    nobody = ["--reuid", str(_NOBODY), "--regid", str(_NOBODY), "--clear-groups"]
    enters = ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
    return ["setpriv", "--securebits", "+no_setuid_fixup", *nobody, *enters, "--pdeathsig", "QUIT", *command]
