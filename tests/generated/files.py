"""All generated files and their content."""

from collections.abc import Mapping
from pathlib import Path

from argos_gitops.app.discovery import kind_registry
from argos_gitops.manifests.reference import render_reference
from argos_gitops.manifests.schema import schema_files
from tests.generated.commands import render_commands

ROOT = Path(__file__).parents[2]


def generated_files() -> Mapping[Path, str]:
    registry = kind_registry()
    reference = ROOT / "docs" / "reference"
    schemas = {ROOT / "schema" / name: content for name, content in schema_files(registry).items()}
    return schemas | {
        reference / "config.md": render_reference(registry),
        reference / "commands.md": render_commands(),
    }
