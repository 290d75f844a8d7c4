"""What a forge says was pushed: its payload, reduced to what we need. Nothing in it is believed further."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Push:
    """`urls` and `names` (`owner/name`) of the one repository; whole refs, such as `refs/heads/main`."""

    urls: Sequence[str] = ()
    names: Sequence[str] = ()
    refs: Sequence[str] = ()
    default_branch: str = ""
    sender: str = ""


def read_github(payload: Payload) -> Push:
    """Also Gitea's and Forgejo's, who took GitHub's form over."""
    return Push(
        urls=_texts(payload, "repository", "clone_url", "ssh_url", "git_url", "html_url"),
        names=_texts(payload, "repository", "full_name"),
        refs=_texts(payload, "", "ref"),
        default_branch=text_at(payload, "repository", "default_branch"),
        sender=text_at(payload, "sender", "login"),
    )


def read_gitlab(payload: Payload) -> Push:
    return Push(
        urls=_texts(payload, "project", "git_http_url", "git_ssh_url", "web_url"),
        names=_texts(payload, "project", "path_with_namespace"),
        refs=_texts(payload, "", "ref"),
        default_branch=text_at(payload, "project", "default_branch"),
        sender=text_at(payload, "user_username"),
    )


def read_bitbucket(payload: Payload) -> Push:
    """Cloud's `repo:push`, or Data Center's `repo:refs_changed`; neither tells the default branch."""
    slug, project = text_at(payload, "repository", "slug"), text_at(payload, "repository", "project", "key")
    return Push(
        urls=[url for url in _bitbucket_urls(payload) if url],
        names=_texts(payload, "repository", "full_name") or ([f"{project}/{slug}"] if slug else []),
        refs=[*_cloud_refs(payload), *_data_center_refs(payload)],
        sender=text_at(payload, "actor", "nickname") or text_at(payload, "actor", "name"),
    )


def read_generic(payload: Payload) -> Push:
    """`{"repository": URL or OWNER/NAME, "ref": …, "sender": …}`; what is left out is not compared."""
    repository = text_at(payload, "repository")
    is_url = ":" in repository
    return Push(
        urls=[repository] if is_url else [],
        names=[repository] if repository and not is_url else [],
        refs=_texts(payload, "", "ref"),
        sender=text_at(payload, "sender"),
    )


def _bitbucket_urls(payload: Payload) -> Iterator[str]:
    yield text_at(payload, "repository", "links", "html", "href")
    for clone in _list(_at(payload, "repository", "links", "clone")):
        yield text_at(clone, "href")


def _cloud_refs(payload: Payload) -> Iterator[str]:
    """A deleted branch has no `new`, a new one no `old`."""
    for change in _list(_at(payload, "push", "changes")):
        for side in ("new", "old"):
            name = text_at(change, side, "name")
            if name:
                folder = "tags" if text_at(change, side, "type") == "tag" else "heads"
                yield f"refs/{folder}/{name}"
                break


def _data_center_refs(payload: Payload) -> Iterator[str]:
    for change in _list(_at(payload, "changes")):
        ref = text_at(change, "ref", "id")
        if ref:
            yield ref


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_at(value: Any, *path: str) -> str:
    """The text at the end of `path`; empty where there is none, or something else."""
    found = _at(value, *path)
    return found if isinstance(found, str) else ""


def _texts(payload: Payload, parent: str, *names: str) -> list[str]:
    """The texts below `parent`, or at the top where that is empty; what is none is left out."""
    where = _at(payload, parent) if parent else payload
    return [text for text in (text_at(where, name) for name in names) if text]


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
