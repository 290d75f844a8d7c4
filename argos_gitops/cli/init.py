"""`init`: a config repository that validates."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import click

from argos_gitops.cli.errors import Exit

_SCAFFOLD = Path(__file__).parent / "scaffold"
CI_FILES = {
    "github": (".github/workflows/argos.yml", "github.yml"),
    "gitlab": (".gitlab-ci.yml", "gitlab.yml"),
    "gitea": (".gitea/workflows/argos.yml", "gitea.yml"),
    "forgejo": (".forgejo/workflows/argos.yml", "gitea.yml"),
}
"""Where each forge looks for its CI file, and which of ours that is."""


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--ci", type=click.Choice([*CI_FILES, "none"]), default="none", help="Also a CI file for this forge."
)
def command(folder: Path, ci: str) -> int:
    """Scaffold a config repository in FOLDER [default: here] that validates; overwrites nothing."""
    files = {**dict(_files()), **_ci_files(ci)}
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

    root = _SCAFFOLD / "files"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            name = PurePosixPath(path.relative_to(root))
            up = "../" * (len(name.parts) - 1)
            line = schema_line(f"{up}schema/argos.json") if name.suffix == ".yaml" else ""
            yield str(name), line + path.read_text("utf-8")
    for file, content in schema_files(kind_registry()).items():
        yield f"schema/{file}", content


def _ci_files(forge: str) -> dict[str, str]:
    if forge not in CI_FILES:
        return {}
    path, source = CI_FILES[forge]
    return {path: (_SCAFFOLD / "ci" / source).read_text("utf-8")}
