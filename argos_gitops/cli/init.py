"""`init`: a config repository that validates."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import click

from argos_gitops.cli.errors import Exit


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
def command(folder: Path) -> int:
    """Scaffold a config repository in FOLDER [default: here] that validates; overwrites nothing."""
    files = dict(_files())
    existing = sorted(name for name in files if (folder / name).exists())
    if existing:
        raise click.UsageError(f"{folder} already has {', '.join(existing)}; nothing was written")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        click.echo(f"  {path}")
    click.echo("Next: adapt edges/main.yaml, then run argos-gitops validate and argos-gitops plan.")
    return Exit.OK


def _files() -> Iterator[tuple[str, str]]:
    from argos_gitops.app.discovery import kind_registry
    from argos_gitops.manifests.schema import schema_files, schema_line

    root = Path(__file__).parent / "scaffold" / "files"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            name = PurePosixPath(path.relative_to(root))
            up = "../" * (len(name.parts) - 1)
            line = schema_line(f"{up}schema/argos.json") if name.suffix == ".yaml" else ""
            yield str(name), line + path.read_text("utf-8")
    for file, content in schema_files(kind_registry()).items():
        yield f"schema/{file}", content
