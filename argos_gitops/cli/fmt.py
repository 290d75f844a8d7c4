"""`fmt`: YAML in the canonical form."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from argos_gitops.cli.errors import Exit


@click.command("fmt")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 when a file is not in the canonical form."
)
def command(paths: tuple[Path, ...], check: bool) -> int:
    """Rewrite the YAML files in PATHS [default: here] in the canonical form, comments kept.

    Files that hold no resource, such as Compose files, are left as they are.
    """
    from argos_gitops.manifests.formatting import format_text, is_ours

    changed = 0
    for path in _yaml_files(paths or (Path(),)):
        text = path.read_text("utf-8", "surrogateescape")
        if not is_ours(text):
            continue
        formatted = format_text(text, str(path))
        if formatted != text:
            changed += 1
            click.echo(str(path))
            if not check:
                _replace(path, formatted)
    return Exit.FAILURE if check and changed else Exit.OK


def _yaml_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(folder) / name for name in sorted(names) if _is_configuration(name))


def _is_configuration(name: str) -> bool:
    """As everywhere, what is hidden (`.gitlab-ci.yml`) is not."""
    return name.endswith((".yaml", ".yml")) and not name.startswith(".")


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, whatever happens in between."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).chmod(path.stat().st_mode)
    Path(file.name).replace(path)
