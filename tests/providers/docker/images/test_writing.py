"""Another version is written where the user wrote the old one; all else stays byte for byte."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.images.references import parse_reference
from argos_gitops.providers.docker.images.spelling import pieces_of, respellings
from argos_gitops.providers.docker.images.updates import FolderUpdates, Update, Written
from tests.providers.docker.compose.stacks import Surroundings

_WIKI = ResourceKey("Stack", "wiki")
_SHA, _OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def _written(
    around: Surroundings, files: Mapping[str, str | bytes], updates: Mapping[str, str], **spec: Any
) -> Written:
    """What becomes of the files when these services get these versions (`1.28`, or `1.28@sha256:…`)."""
    stack, context = around.stack(files, **spec), around.context()
    rendered = ComposeRenderer(context).render(stack)
    wanted = []
    for service, version in updates.items():
        old = parse_reference(rendered.services[service]["image"])
        tag, _, digest = version.partition("@")
        wanted.append(Update(_WIKI, service, old, old.at(tag or None, digest or None)))
    return FolderUpdates({"wiki": (stack, rendered)}, context).written(wanted)


_COMMENTED = """\
# The wiki.
services:
  web:   # the front
    image:   "nginx:1.27"   # keep on 1.x
    ports: ["80:80"]

  db:
    image: 'docker.io/library/postgres:16.1@{sha}'
  cache: {{ image: "redis:7.2", restart: always }}
"""


def test_comments_quotes_and_layout_stay(around: Surroundings) -> None:
    """Tag and digest are replaced where they stand, in any style of a text."""
    before = _COMMENTED.format(sha=_SHA)
    written = _written(
        around, {"compose.yaml": before}, {"web": "1.28", "db": f"16.2@{_OTHER}", "cache": f"7.4@{_SHA}"}
    )
    after = before.replace("nginx:1.27", "nginx:1.28").replace(f"16.1@{_SHA}", f"16.2@{_OTHER}")
    assert written.files == {"compose.yaml": after.replace("redis:7.2", f"redis:7.4@{_SHA}").encode()}
    assert not written.unclear


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ({"compose.yaml": "image: nginx:${TAG:-1.27}"}, "compose.yaml"),
        ({"compose.yaml": "image: ${IMAGE-nginx:1.27}"}, "compose.yaml"),
        ({"compose.yaml": "image: nginx:${TAG}", ".env": "A=1\nTAG=1.27 # ours\n"}, ".env"),
        ({"compose.yaml": "image: nginx:$TAG", ".env": 'export TAG="1.27"\r\n'}, ".env"),
        ({"compose.yaml": "image: ${REG:-docker.io}/${APP}", ".env": "APP=nginx:1.27"}, ".env"),
        ({"compose.yaml": "extends: {file: b.yaml, service: x}",
          "b.yaml": "services: {x: {image: 'nginx:1.27'}}"},
         "b.yaml"),
        ({"compose.yaml": "image: nginx:1.2",
          "compose.override.yaml": "services: {web: {image: 'nginx:1.27'}}"},
         "compose.override.yaml"),
    ],
)  # fmt: skip
def test_the_file_that_really_says_it_is_edited(
    around: Surroundings, files: dict[str, str], changed: str
) -> None:
    """A default, a line of an env file, an extended file, an override."""
    files = {**files, "compose.yaml": f"services:\n  web:\n    {files['compose.yaml']}  # ours\n"}
    written = _written(around, {**files}, {"web": "1.28"})
    assert written.unclear == {}
    assert written.files == {changed: str(files[changed]).replace("1.27", "1.28").encode()}


def test_a_digest_is_added_behind_a_variable(around: Surroundings) -> None:
    """Into the Compose file, as the variable may serve others; the tag where it comes from."""
    files = {"compose.yaml": "services: {web: {image: 'nginx:${TAG}'}}\n", ".env": "TAG=1.27\n"}
    written = _written(around, files, {"web": f"1.28@{_SHA}"})
    image = f"'nginx:${{TAG}}@{_SHA}'"
    assert written.files == {
        "compose.yaml": f"services: {{web: {{image: {image}}}}}\n".encode(),
        ".env": b"TAG=1.28\n",
    }


def test_a_version_that_two_services_share_is_one_edit(around: Surroundings) -> None:
    """Both get the new one, or neither."""
    text = "x-app: &app {image: 'acme/app:1.0'}\nservices:\n  web: *app\n  worker:\n    <<: *app\n"
    both = _written(around, {"compose.yaml": text}, {"web": "1.1", "worker": "1.1"})
    assert both.files == {"compose.yaml": text.replace("1.0", "1.1").encode()}
    one = _written(around, {"compose.yaml": text}, {"web": "1.1"})
    assert (one.files, [*one.unclear.values()]) == (
        {},
        ["its version stands where it means something else too"],
    )


@pytest.mark.parametrize(
    ("image", "env", "spec", "why"),
    [
        ("nginx:${TAG}", "TAG=1.27\nTAG=1.27\n", {}, "set in several places"),
        ("nginx:${TAG}", "", {"environment": {"TAG": "1.27"}}, "comes from the Stack's `environment`"),
        ("nginx:${A}.${B}", "A=1\nB=27\n", {}, "put together from several places"),
        ("nginx:${TAG:-${B:-1.27}}", "", {}, "spelled with more than"),
        ("nginx:${TAG}", "B=27\nTAG=1.${B}\n", {}, "set in several places|more than plain text"),
        ("nginx:1.27\n    labels: {version: '${TAG}'}", "TAG=1.27\n", {}, ""),
        ("nginx:${TAG}\n    labels: {version: '${TAG}'}", "TAG=1.27\n", {}, "means something else too"),
        ('"nginx:1\\u002e27"', "", {}, "escapes"),
    ],
)
def test_what_is_not_plain_is_left_alone(
    around: Surroundings, image: str, env: str, spec: dict[str, Any], why: str
) -> None:
    """And told why; nothing is guessed."""
    before = {"compose.yaml": f"services:\n  web:\n    image: {image}\n", ".env": env}
    written = _written(around, before, {"web": "1.28"}, **spec)
    if not why:
        assert written.files["compose.yaml"].startswith(b"services:\n  web:\n    image: nginx:1.28\n")
        return
    assert written.files == {}
    (found,) = written.unclear.values()
    assert any(part in found for part in why.split("|"))


def test_one_that_cannot_be_written_does_not_keep_the_others(around: Surroundings) -> None:
    """The proof fails for one service; the rest is proposed all the same."""
    text = "services:\n  a: {image: 'x:${T}', labels: {v: '${T}'}}\n  b: {image: 'y:1.0'}\n"
    written = _written(around, {"compose.yaml": text, ".env": "T=1\n"}, {"a": "2", "b": "1.1"})
    assert [update.service for update in written.updates] == ["b"]
    assert [update.service for update in written.unclear] == ["a"]
    assert written.files == {"compose.yaml": text.replace("y:1.0", "y:1.1").encode()}


_TAGS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}", fullmatch=True)
_DIGESTS = st.sampled_from([None, _SHA, _OTHER])


_FORMS = [
    "app:{}",
    "app:${{T:-{}}}",
    "${{I:-app:{}}}",
    "${{R}}app:{}",
    "${{I}}",
    "app:${{T-{}}}",
    "${{N}}:{}",
]


@given(_TAGS, _TAGS, _DIGESTS, _DIGESTS, st.sampled_from(_FORMS))
def test_what_is_written_means_the_new_image(
    tag: str, newer: str, digest: str | None, other: str | None, form: str
) -> None:
    """For every spelling with one place for the version; in the template itself, or in a value."""
    old = parse_reference("app").at(tag, digest)
    new = old.at(newer, other or digest)
    template = form.format(old.version.removeprefix(":"))
    values = {"I": str(old), "N": "app"} if form == "${{I}}" else {"N": "app"}
    found = respellings(pieces_of(template, values.get), old, new, len(template))
    for each in sorted(found, key=lambda each: -(each.piece.at or 0) - each.start):
        if each.piece.at is None:
            text = values[each.piece.variable]
            values[each.piece.variable] = text[: each.start] + each.new + text[each.end :]
        else:
            start, end = each.piece.at + each.start, each.piece.at + each.end
            template = template[:start] + each.new + template[end:]
    assert "".join(piece.text for piece in pieces_of(template, values.get)) == str(new)
