"""Deliveries as each forge makes them: payload, headers and signature, after their documentation."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.web.running import SECRET

COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"


@dataclass(frozen=True)
class Delivered:
    """One request of a forge."""

    provider: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return f"/webhooks/{self.provider}"

    def with_headers(self, **changed: str) -> "Delivered":
        return replace(self, headers={**self.headers, **changed})

    def without(self, header: str) -> "Delivered":
        return replace(self, headers={name: v for name, v in self.headers.items() if name != header})


def mac(signed: bytes, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), signed, "sha256").hex()


def push(repository: str = "team/config", branch: str = "main", after: str = COMMIT) -> dict[str, Any]:
    """The form that GitHub, Gitea and Forgejo share."""
    return {
        "ref": f"refs/heads/{branch}",
        "before": "0" * 40,
        "after": after,
        "repository": {
            "full_name": repository,
            "clone_url": f"https://git.example.com/{repository}.git",
            "ssh_url": f"git@git.example.com:{repository}.git",
            "default_branch": "main",
        },
        "sender": {"login": "alice"},
    }


def gitlab_push(repository: str = "team/config", branch: str = "main", after: str = COMMIT) -> dict[str, Any]:
    return {
        "object_kind": "push",
        "ref": f"refs/heads/{branch}",
        "after": after,
        "user_username": "alice",
        "project": {
            "path_with_namespace": repository,
            "git_http_url": f"https://git.example.com/{repository}.git",
            "git_ssh_url": f"git@git.example.com:{repository}.git",
            "default_branch": "main",
        },
    }


def bitbucket_push(
    repository: str = "team/config", branch: str = "main", after: str = COMMIT
) -> dict[str, Any]:
    """Of Bitbucket Cloud."""
    return {
        "actor": {"nickname": "alice"},
        "repository": {
            "full_name": repository,
            "links": {"html": {"href": f"https://git.example.com/{repository}"}},
        },
        "push": {
            "changes": [{"new": {"type": "branch", "name": branch, "target": {"hash": after}}, "old": None}]
        },
    }


def data_center_push(repository: str = "team/config", branch: str = "main") -> dict[str, Any]:
    """Of Bitbucket Data Center."""
    project, slug = repository.split("/")
    clone = [{"href": f"ssh://git@git.example.com:7999/{repository}.git", "name": "ssh"}]
    return {
        "eventKey": "repo:refs_changed",
        "actor": {"name": "alice"},
        "repository": {"slug": slug, "project": {"key": project}, "links": {"clone": clone}},
        "changes": [{"ref": {"id": f"refs/heads/{branch}", "type": "BRANCH"}, "toHash": COMMIT}],
    }


def generic_push(
    repository: str = "team/config", branch: str = "main", after: str = COMMIT
) -> dict[str, Any]:
    return {"repository": repository, "ref": f"refs/heads/{branch}", "after": after}


def github(payload: Any = None, event: str = "push", delivery: str = "1") -> Delivered:
    body = json.dumps(push() if payload is None else payload).encode()
    return Delivered(
        "github",
        {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": f"sha256={mac(body)}",
            "Content-Type": "application/json",
        },
        body,
    )


def gitlab(payload: Any = None, key: str = "1") -> Delivered:
    body = json.dumps(gitlab_push() if payload is None else payload).encode()
    return Delivered(
        "gitlab", {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET, "Idempotency-Key": key}, body
    )


def signed_by_gitlab(token: str, at: int, payload: Any = None, key: str = "1") -> Delivered:
    """With a signing token, as GitLab does it since 19."""
    body = json.dumps(gitlab_push() if payload is None else payload).encode()
    signing_key = base64.b64decode(token.removeprefix("whsec_"))
    digest = hmac.digest(signing_key, f"{key}.{at}.".encode() + body, "sha256")
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return Delivered("gitlab", headers, body)


def gitea(payload: Any = None, event: str = "push") -> Delivered:
    body = json.dumps(push() if payload is None else payload).encode()
    return Delivered("gitea", {"X-Gitea-Event": event, "X-Gitea-Signature": mac(body)}, body)


def forgejo(payload: Any = None, event: str = "push") -> Delivered:
    body = json.dumps(push() if payload is None else payload).encode()
    headers = {
        "X-Forgejo-Event": event,
        "X-Forgejo-Signature": mac(body),
        "X-Gitea-Event": event,
        "X-Gitea-Signature": mac(body),
    }
    return Delivered("forgejo", headers, body)


def bitbucket(payload: Any = None, event: str = "repo:push") -> Delivered:
    body = json.dumps(bitbucket_push() if payload is None else payload).encode()
    return Delivered("bitbucket", {"X-Event-Key": event, "X-Hub-Signature": f"sha256={mac(body)}"}, body)


def generic(payload: Any = None, timestamp: int | None = None) -> Delivered:
    body = json.dumps(generic_push() if payload is None else payload).encode()
    if timestamp is None:
        return Delivered("generic", {"X-Signature": f"sha256={mac(body)}"}, body)
    signature = f"sha256={mac(str(timestamp).encode() + b'.' + body)}"
    return Delivered("generic", {"X-Signature": signature, "X-Timestamp": str(timestamp)}, body)


EVERY_FORGE: dict[str, Callable[..., Delivered]] = {
    "github": github,
    "gitlab": gitlab,
    "gitea": gitea,
    "forgejo": forgejo,
    "bitbucket": bitbucket,
    "generic": generic,
}
PUSHES: dict[str, Callable[..., dict[str, Any]]] = {
    "github": push,
    "gitlab": gitlab_push,
    "gitea": push,
    "forgejo": push,
    "bitbucket": bitbucket_push,
    "generic": generic_push,
}
SIGNATURE_HEADERS = {
    "github": "X-Hub-Signature-256",
    "gitlab": "X-Gitlab-Token",
    "gitea": "X-Gitea-Signature",
    "forgejo": "X-Forgejo-Signature",
    "bitbucket": "X-Hub-Signature",
    "generic": "X-Signature",
}
