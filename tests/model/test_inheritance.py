"""What processes that we start get of our environment: by kind, from one list."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import argos_gitops
from argos_gitops.model import inheritance
from argos_gitops.model.inheritance import Inheritance

PACKAGE = Path(argos_gitops.__file__).parent
KINDS = {name: kind for name, kind in vars(inheritance).items() if isinstance(kind, Inheritance)}
STARTERS = frozenset({"Popen", "run", "check_output", "check_call", "call", "safer_popen"})
SECRETS = (
    *("ARGOS_API_TOKEN", "ARGOS_GIT_TOKEN", "ARGOS_WEBHOOK_SECRET", "ARGOS_LAPI_PASSWORD", "SOPS_AGE_KEY"),
    *("VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MY_PASSWORD", "DATABASE_URL"),
)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_kind_of_process_gets_secrets(kind: Inheritance) -> None:
    """Neither those of the agent, nor those that resources refer to."""
    environment = dict.fromkeys(SECRETS, "secret") | {"PATH": "/bin"}
    assert "secret" not in kind.of(environment).values()


def starts(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            whose = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if name in STARTERS and (whose == "subprocess" or name in {"Popen", "safer_popen"}):
                yield node


def test_whoever_starts_a_process_says_what_it_gets() -> None:
    """Without `env` a process has all that we have."""
    found = [
        (f"{path.relative_to(PACKAGE)}:{call.lineno}", {keyword.arg for keyword in call.keywords})
        for path in sorted(PACKAGE.rglob("*.py"))
        for call in starts(ast.parse(path.read_text()))
    ]
    assert len(found) >= 8
    assert [place for place, given in found if "env" not in given] == []
