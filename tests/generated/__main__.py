"""`scripts/generate`: writes all generated files, and removes schemas of kinds that are gone."""

from tests.generated.files import ROOT, generated_files

files = generated_files()
for stale in set((ROOT / "schema").glob("*.json")) - set(files):
    stale.unlink()
for path, content in files.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
