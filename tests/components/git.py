"""Git repositories to read from and write to: on disk, and behind HTTP and SSH servers on loopback."""

import base64
import getpass
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.components.ports import free_port
from tests.components.process import RealProcess

HOW_TO_GET_GIT = "apt-get install git"
HOW_TO_GET_SSHD = "scripts/components sshd"
HOW_TO_GET_SSH = "scripts/components ssh"


class Origin:
    """A bare repository that people push to; `commit` stands for such a push."""

    def __init__(self, folder: Path, object_format: str = "sha1") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git(
            "init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={object_format}", "."
        )

    @property
    def url(self) -> str:
        return str(self.folder)

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        """The output of a git command in this repository."""
        done = subprocess.run(["git", *arguments], cwd=self.folder, input=given, capture_output=True)
        assert done.returncode == 0, f"git {arguments}: {done.stderr.decode()}"
        return done.stdout.decode().strip()

    def commit(
        self,
        files: Mapping[str, bytes | None],
        message: str = "a change",
        *,
        branch: str = "main",
        onto: str | None = None,
        modes: Mapping[str, str] | None = None,
    ) -> str:
        """Writes and removes (None) files on top of the branch, or of the commit `onto`; its new tip."""
        ref = f"refs/heads/{branch}"
        parent = onto or self.tip(ref)
        stream = [f"commit {ref}\ncommitter tester <tester@example.com> now\n".encode()]
        stream += [b"data %d\n%s\n" % (len(message.encode()), message.encode())]
        if parent:
            stream.append(b"from %s\n" % parent.encode())
        for path, content in files.items():
            mode = (modes or {}).get(path, "100644")
            stream.append(_file_change(path, content, mode))
        self.git("fast-import", "--quiet", "--force", "--date-format=now", given=b"".join(stream))
        return self.git("rev-parse", ref)

    def tip(self, ref: str) -> str | None:
        return self.git("for-each-ref", "--format=%(objectname)", ref) or None

    def file(self, ref: str, path: str) -> str:
        return self.git("show", f"{ref}:{path}")

    def log(self, ref: str, form: str = "%H") -> list[str]:
        """One line for each commit, newest first."""
        return self.git("log", f"--format={form}", ref).splitlines()


def _file_change(path: str, content: bytes | None, mode: str) -> bytes:
    if content is None:
        return b"D %s\n" % path.encode()
    if mode == "160000":
        return b"M 160000 %s %s\n" % (content, path.encode())
    return b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), path.encode(), len(content), content)


@dataclass
class Traffic:
    """What went through a server: bytes sent, and the paths and Authorization headers it saw."""

    sent: int = 0
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, as a killed git does, is no news."""


class _Server:
    """A loopback HTTP server in a thread of its own."""

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self._server = _Listener(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class GitHttp(_Server):
    """`git http-backend` over the repositories below `root`, readable and writable.

    `password` asks for basic authentication; `truncate` ends each pack after so many bytes; `stall`
    makes requests wait until the event is set.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.traffic = Traffic()
        self.password: tuple[str, str] | None = None
        self.truncate: int | None = None
        self.stall: threading.Event | None = None
        super().__init__(type("Handler", (_BackendHandler,), {"owner": self}))


class _BackendHandler(BaseHTTPRequestHandler):
    owner: GitHttp

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing on stderr."""

    def _serve(self, body: bytes) -> None:
        owner = self.owner
        owner.traffic.requests.append(self.path)
        if owner.stall is not None:
            owner.stall.wait(60)
        if not self._allowed():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=self._cgi(body))
        self._answer(done.stdout)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        if given:
            self.owner.traffic.authorizations.append(given)
        if self.owner.password is None:
            return True
        return given == "Basic " + base64.b64encode(":".join(self.owner.password).encode()).decode()

    def _cgi(self, body: bytes) -> dict[str, str]:
        parts = urlsplit(self.path)
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "GIT_PROJECT_ROOT": str(self.owner.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "tester",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }

    def _answer(self, output: bytes) -> None:
        head, _, content = output.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = self.owner.truncate
        if cut is not None and self.command == "POST" and b"PACK" in content:
            content = content[: content.index(b"PACK") + cut]
            self.close_connection = True
        self.wfile.write(content)
        self.owner.traffic.sent += len(content)


class DumbHttp(_Server):
    """A web server that knows nothing of git: no shallow fetches, only files."""

    def __init__(self, root: Path) -> None:
        super().__init__(partial(_QuietFiles, directory=str(root)))


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing on stderr."""


# As root sshd insists on a user and a folder that only its package makes: it has both in a mount
# namespace of its own, where $0 is its /etc/passwd.
_ENTER = 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && mount --bind "$0" /etc/passwd && exec "$@"'


class RealSshd(RealProcess):
    """sshd as the current user; lets one key in, and any command it asks for."""

    def __init__(self, folder: Path, program: Path) -> None:
        folder.mkdir(parents=True)
        self.port = free_port()
        self.key = folder / "client_key"
        self.known_hosts = folder / "known_hosts"
        for key in (self.key, folder / "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        host_key = (folder / "host_key.pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {host_key[0]} {host_key[1]}\n")
        config = folder / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {folder / 'host_key'}\n"
            f"AuthorizedKeysFile {self.key}.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n"
        )
        super().__init__(
            [*self._enter(folder / "passwd"), str(program), "-D", "-e", "-f", str(config)],
            folder / "log",
            self._listens,
            {"HOME": "/tmp"},  # noqa: S108
        )

    @staticmethod
    def _enter(passwd: Path) -> list[str]:
        if os.geteuid() != 0:
            return []
        known = Path("/etc/passwd").read_text()
        passwd.write_text(f"{known}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n")
        return ["unshare", "--mount", "sh", "-c", _ENTER, str(passwd)]

    def url(self, repository: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{repository}"

    def _listens(self) -> bool:
        return self.log.exists() and b"Server listening" in self.log.read_bytes()
