"""`schema`: the JSON Schema of the config language."""

from pathlib import Path

import click

from argos_gitops.cli.errors import Exit


@click.command("schema")
@click.argument("kind", required=False)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write all schemas into this folder."
)
def command(kind: str | None, out: Path | None) -> int:
    """Print the JSON Schema of KIND, or of a whole document of any kind; or write them all."""
    from argos_gitops.app.discovery import kind_registry
    from argos_gitops.manifests.schema import schema_files

    files = schema_files(kind_registry())
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_text(content, "utf-8")
        click.echo(f"Wrote {len(files)} schemas to {out}.")
        return Exit.OK
    name = f"{kind.lower() if kind else 'argos'}.json"
    if name not in files:
        raise click.BadParameter(f"unknown kind {kind!r}; known are {', '.join(kind_registry().kinds)}")
    click.echo(files[name], nl=False)
    return Exit.OK
