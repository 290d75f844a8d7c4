"""What may be done with a request for a Host, by the Host itself or by one of its rules."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from argos_gitops.model.spec import SpecModel
from argos_gitops.providers.caddy.fragments import HeaderName, HeaderValue, Path, PlainPath, Regexp, Status


class Replacing(SpecModel):
    """Every part of a text that a regular expression finds is replaced."""

    pattern: Regexp = Field(description="What is looked for.")
    replacement: Annotated[str, Field(pattern=r"^[^\r\n\x00]*$")] = Field(
        description="What takes its place; `$1` is what the first group found."
    )


class HeaderChanges(SpecModel):
    """What happens to headers: first `add`, then `set`, then `remove`, then `replace`."""

    add: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Added beside what is there."
    )
    set: dict[HeaderName, HeaderValue] = Field(default_factory=dict, description="Put in place of it.")
    remove: tuple[HeaderName, ...] = Field(
        (), description="Taken out; `X-*` takes out all that begin with X-."
    )
    replace: dict[HeaderName, Replacing] = Field(
        default_factory=dict, description="Parts of the values that are there are replaced."
    )


class HostHeaders(SpecModel):
    """Changes to the headers of requests before they go on, and of responses before they go out."""

    request: HeaderChanges = Field(default_factory=HeaderChanges, description="Of requests.")
    response: HeaderChanges = Field(default_factory=HeaderChanges, description="Of responses.")


class Redirect(SpecModel):
    """Sends visitors elsewhere: to another address, or to the same one under another scheme."""

    to: Annotated[str, Field(pattern=r"^(https?://[^\s]+|/([^/\s][^\s]*)?)$")] | None = Field(
        None,
        description="Where to: `https://www.example.com`, or a path on the same host; Caddy's placeholders "
        "may stand in it. Either `to` or `scheme` is given.",
    )
    scheme: Literal["http", "https"] | None = Field(
        None, description="Where to: the same host under this scheme."
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="With `scheme`: the port, if not its usual one."
    )
    status: Literal[301, 302, 303, 307, 308] = Field(308, description="HTTP status.")
    preserve_path: bool = Field(True, description="Whether path and query of the request are appended.")

    @model_validator(mode="after")
    def _one_destination(self) -> Self:
        if (self.to is None) == (self.scheme is None):
            raise ValueError("a redirect has exactly one of to and scheme")
        if self.port is not None and self.scheme is None:
            raise ValueError("port belongs to scheme; in `to` it is a part of the address")
        return self

    @property
    def base(self) -> str:
        """The address to which path and query may be appended, with Caddy's placeholders."""
        if self.to is not None:
            return self.to
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{{http.request.host}}{port}"


class FixedResponse(SpecModel):
    """The same answer to everybody."""

    status: Status = Field(200, description="HTTP status.")
    body: str = Field("", max_length=65536, description="Body; Caddy's placeholders may stand in it.")
    content_type: Annotated[str, Field(pattern=r"^[^\r\n]+$")] = Field(
        "text/plain; charset=utf-8", description="Content-Type of the body."
    )


class Replacement(Replacing):
    """Every part of a path that a regular expression finds is replaced."""

    replacement: Annotated[str, Field(pattern=r"^[^\s?#]*$")] = Field(
        description="What takes its place; `$1` is what the first group found."
    )


class Rewrite(SpecModel):
    """Another path for whoever answers; visitors do not see it. The query stays.

    Either `path`, or some of the others: first `stripPrefix`, then `replace`, then `addPrefix`.
    """

    path: Path | None = Field(
        None,
        description="The whole path; Caddy's placeholders, and another query behind a `?`, may stand in it.",
    )
    strip_prefix: PlainPath | None = Field(None, min_length=2, description="Taken off the front of the path.")
    replace: Replacement | None = Field(None, description="Replaced wherever it is found in the path.")
    add_prefix: PlainPath | None = Field(None, min_length=2, description="Put in front of the path.")

    @model_validator(mode="after")
    def _whole_or_parts(self) -> Self:
        parts = (self.strip_prefix, self.replace, self.add_prefix)
        if (self.path is None) == all(part is None for part in parts):
            raise ValueError("a rewrite is a path, or some of stripPrefix, replace and addPrefix")
        return self
