"""A small config language of its own, and revisions of files in memory, for the tests of this room."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from argos_gitops.manifests.loader import Loaded, Loader
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import ResourceSet
from argos_gitops.model.secret import SecretRef
from argos_gitops.model.source import SourceFile
from argos_gitops.model.spec import Duration, Size, SpecModel, reference

REGULAR, SYMLINK, SUBMODULE = 0o100644, 0o120000, 0o160000


class Shelf(SpecModel):
    """One board of a rack."""

    height: int = Field(1, ge=1, le=9, description="In units.")
    books: tuple[Annotated[str, reference("Book")], ...] = Field((), description="What stands on it.")


class RackSpec(SpecModel):
    """Holds books."""

    kind: ClassVar[str] = "Rack"

    colour: Literal["red", "green", "blue"] = Field("red", description="Its colour.")
    shelves: tuple[Shelf, ...] = Field((), description="From the bottom up.")
    lock: SecretRef | None = Field(None, description="The code of its lock.")
    codes: dict[str, SecretRef | Annotated[str, Field(max_length=5)]] = Field({}, description="More codes.")
    favourite: Annotated[str, reference("Book")] | None = Field(None, description="The best book.")
    patience: Duration | None = Field(None, description="How long one may browse.")
    weight: Size = Field(2048, description="How much it carries.")


class BookSpec(SpecModel):
    """Can be read."""

    kind: ClassVar[str] = "Book"

    title: str = Field(min_length=1, description="What stands on its cover.")
    pages: int | None = Field(None, description="How many.")
    first: int = Field(1, description="The page it begins with.")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.pages is not None and self.first > self.pages:
            raise ValueError("a book begins on one of its pages")
        return self


def no_two_titles(resources: ResourceSet) -> Iterator[Problem]:
    seen: set[str] = set()
    for book in resources.of(BookSpec).values():
        if book.spec.title in seen:
            yield Problem(book.location, "SameTitle", f"{book.key} has the title of another book")
        seen.add(book.spec.title)


def favourites_exist(resources: ResourceSet) -> Iterator[Problem]:
    """Relies on references that lead somewhere; it fails where they do not."""
    for rack in resources.of(RackSpec).values():
        if (
            rack.spec.favourite is not None
            and resources.of(BookSpec)[rack.spec.favourite].spec.title == "Bad"
        ):
            yield Problem(rack.location, "BadTaste", "no")


KINDS: Mapping[str, type[SpecModel]] = {model.kind: model for model in (RackSpec, BookSpec, AgentSpec)}
REGISTRY = KindRegistry(KINDS, (no_two_titles, favourites_exist))


def book(name: str, title: str | None = None) -> str:
    return document("Book", name, f"  title: {title or name}\n")


def document(kind: str, name: str, spec: str = "") -> str:
    head = f"apiVersion: argos.dev/v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
    return f"{head}spec:\n{spec}" if spec else f"{head}spec: {{}}\n"


LIBRARY: Mapping[str, str] = {
    "rack.yaml": document("Rack", "r", "  favourite: one\n"),
    "books/one.yaml": book("one"),
    "books/two.yaml": book("two"),
}


class Revision:
    """Files of one revision; `reads` tells which blobs somebody read."""

    def __init__(self, files: Mapping[str, str | bytes], modes: Mapping[str, int] | None = None) -> None:
        contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.blobs = {
            hashlib.sha1(data, usedforsecurity=False).hexdigest(): data for data in contents.values()
        }
        ids = {data: blob for blob, data in self.blobs.items()}
        self.files = [
            SourceFile(path, ids[data], (modes or {}).get(path, REGULAR), len(data))
            for path, data in sorted(contents.items())
        ]
        listing = repr([(file.path, file.blob, file.mode) for file in self.files])
        self.tree = hashlib.sha1(listing.encode(), usedforsecurity=False).hexdigest()
        self.reads: list[str] = []

    def read(self, blobs: Sequence[str]) -> Iterable[tuple[str, bytes]]:
        for blob in blobs:
            self.reads.append(blob)
            yield blob, self.blobs[blob]


def load(files: Mapping[str, str | bytes], modes: Mapping[str, int] | None = None) -> Loaded:
    """One revision, loaded by a loader that knows nothing yet."""
    return load_with(Loader(REGISTRY), Revision(files, modes))


def load_with(loader: Loader, revision: Revision) -> Loaded:
    return loader.load(revision.files, revision.read, revision.tree)


def lines(loaded: Loaded) -> list[str]:
    """The problems as `validate` prints them."""
    return [str(problem) for problem in loaded.problems]


def codes(loaded: Loaded) -> list[str]:
    return [problem.code for problem in loaded.problems]


def only_line(spec_or_text: str, path: str = "a.yaml") -> str:
    """The one problem of a file with one document."""
    (line,) = lines(load({path: spec_or_text}))
    return line
