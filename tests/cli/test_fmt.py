"""`fmt` keeps to what is ours."""

from pathlib import Path

from tests.cli.test_commands import run

COMPOSE = "services:\n      web: {image: nginx:1, ports: !reset [80:80]}\n"
RESOURCE = "kind: Service\napiVersion: argos.dev/v1\nmetadata: {name: app}\nspec: {}\n"


def test_compose_files_are_left_as_they_are(tmp_path: Path) -> None:
    """Whatever is in them that we would refuse, and whether they are named or found."""
    folder = tmp_path / "stacks" / "wiki"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "service.yaml").write_text(RESOURCE)
    assert run(tmp_path, "fmt", "stacks", "stacks/wiki/compose.yaml").out.split() == [
        "stacks/wiki/service.yaml"
    ]
    assert (folder / "compose.yaml").read_text() == COMPOSE
    assert (folder / "service.yaml").read_text().startswith("apiVersion:")


def test_a_resource_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("apiVersion: argos.dev/v1\nkind: [\n")
    failed = run(tmp_path, "fmt")
    assert failed.code == 3
    assert "broken.yaml:3" in failed.err + failed.out
