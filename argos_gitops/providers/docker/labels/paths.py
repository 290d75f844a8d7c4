"""Middlewares that give whoever answers another path. What Traefik tells in headers is told too."""

import re
from collections.abc import Sequence
from dataclasses import replace

from argos_gitops.providers.docker.labels.actions import Action, Branch, Scene, rewriting
from argos_gitops.providers.docker.labels.conditions import Match, path_prefix
from argos_gitops.providers.docker.labels.label import Label, literal, words
from argos_gitops.providers.docker.labels.reading import Options

_FORWARDED = "X-Forwarded-Prefix"
_FOUND_IN_PATH = "{http.regexp.path.1}"


def strip_prefixes(options: Options, branch: Branch, scene: Scene) -> Sequence[Branch]:
    """The first prefix that the path has is taken off; paths with none of them stay."""
    label = _required(options, "prefixes")
    stripped: list[Branch] = []
    for prefix in words(label):
        text = prefix.rstrip("/") or prefix
        if "pathPrefix" not in path_prefix(text) or len(text) < 2:
            raise label.untranslated(f"the prefix {prefix} is no plain path such as /api")
        action = rewriting(branch.action, label, "stripPrefix", text)
        action = action.with_request({_FORWARDED: prefix})
        part = branch.acting(action)
        if _implied(prefix, scene.wanted):
            return [*stripped, part]
        stripped.append(part.only(path_prefix(prefix)))
    return [*stripped, branch]


def strip_by_regexp(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    """The same with regular expressions that match at the beginning."""
    label = _required(options, "regex")
    stripped: list[Branch] = []
    for expression in words(label):
        start = f"^({expression.removeprefix('^')})"
        value = {"pattern": f"{start}/?", "replacement": "/"}
        action = rewriting(branch.action, label, "replace", value).with_request({_FORWARDED: _FOUND_IN_PATH})
        stripped.append(branch.acting(action).only({"pathRegexp": start}))
    return [*stripped, branch]


def add_prefix(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    """One more prefix stands in front of those that were added before."""
    label = _required(options, "prefix")
    prefix = f"/{label.value.strip().strip('/')}"
    if "pathPrefix" not in path_prefix(prefix) or len(prefix) < 2:
        raise label.untranslated(f"the prefix {label.value} is no plain path such as /api")
    earlier = branch.action.rewrite.get("addPrefix", "")
    if earlier:
        rewrite = {**branch.action.rewrite, "addPrefix": prefix + earlier}
        return [branch.acting(_with_rewrite(branch, rewrite))]
    return [branch.acting(rewriting(branch.action, label, "addPrefix", prefix))]


def replace_path(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    label = _required(options, "path")
    path = label.value.strip()
    if not re.fullmatch(r"/[^\s?#]*", path):
        raise label.untranslated("expected a path that begins with /")
    action = rewriting(branch.action, label, "path", literal(path))
    return [branch.acting(action.with_replaced_path())]


def replace_by_regexp(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    label, replacement = _required(options, "regex"), _required(options, "replacement")
    value = {"pattern": label.value.strip(), "replacement": literal(replacement.value.strip())}
    action = rewriting(branch.action, label, "replace", value).with_replaced_path()
    return [branch.acting(action).only({"pathRegexp": value["pattern"]}), branch]


def _with_rewrite(branch: Branch, rewrite: dict[str, str]) -> Action:
    return replace(branch.action, rewrite=rewrite)


def _implied(prefix: str, wanted: Match | None) -> bool:
    """Whether the router's rule asks for the prefix already."""
    if wanted is None:
        return False
    given = [wanted.get("pathPrefix"), wanted.get("path")]
    return any(text is not None and text.startswith(prefix) for text in given)


def _required(options: Options, name: str) -> Label:
    if name not in options:
        raise next(iter(options.values())).invalid(f"{name} is missing")
    return options[name]
