"""Which requests a rule is for."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from argos_gitops.model.spec import SpecModel
from argos_gitops.providers.caddy.fragments import HeaderName, IpRange, PlainPath, Regexp

Method = Annotated[str, Field(pattern=r"^[A-Z]+(-[A-Z]+)*$", max_length=32, examples=["GET", "POST"])]
Text = Annotated[str, Field(pattern=r"^[^\r\n\x00]*$", max_length=4096)]


class Match(SpecModel):
    """Which requests are meant: those that fit every field that is given.

    `all`, `any` and `not` hold matches of the same form, as deep as need be.
    """

    path: PlainPath | None = Field(
        None,
        description="The whole path, decoded and without the query; case matters with `caseSensitive` only.",
    )
    path_prefix: PlainPath | None = Field(
        None, description="What the path begins with: `/api` fits `/apis` too, `/api/` does not."
    )
    case_sensitive: bool = Field(
        False,
        description="Whether case matters in `path` and `pathPrefix` of this match: with `true`, `/public` "
        "does not fit `/PUBLIC`. It does not hold for the matches inside of it.",
    )
    path_regexp: Regexp | None = Field(
        None,
        description="What is found in the path, where case matters; what its groups find is "
        "`{http.regexp.path.1}`, and so on, wherever placeholders may stand.",
    )
    uri_regexp: Regexp | None = Field(
        None,
        description="What is found in path and query together, as the visitor wrote them: encoded, and with "
        "the `?`. What its groups find is `{http.regexp.uri.1}`, and so on. Made for redirects; it keeps "
        "nobody out, as `/%61` is not `/a` to it.",
    )
    methods: tuple[Method, ...] = Field((), min_length=1, description="One of these methods.")
    headers: dict[HeaderName, Text] = Field(
        default_factory=dict,
        min_length=1,
        description="Headers with these values; `*` at either end of a value stands for anything.",
    )
    header_regexps: dict[HeaderName, Regexp] = Field(
        default_factory=dict, min_length=1, description="Headers in which these are found."
    )
    query: dict[Annotated[str, Field(min_length=1)], Text] = Field(
        default_factory=dict,
        min_length=1,
        description="Parameters of the query with these values; the value `*` stands for any.",
    )
    client_ips: tuple[IpRange, ...] = Field(
        (), min_length=1, description="The visitor's address is one of these, or in one of these ranges."
    )
    all: tuple["Match", ...] = Field((), min_length=1, description="Each of these matches fits.")
    any: tuple["Match", ...] = Field((), min_length=1, description="At least one of these matches fits.")
    not_: "Match | None" = Field(None, alias="not", description="This match does not fit.")

    @property
    def by_path(self) -> bool:
        """Whether it depends on the path, at any depth."""
        own = (self.path, self.path_prefix, self.path_regexp, self.uri_regexp)
        inner = (*self.all, *self.any, *(() if self.not_ is None else (self.not_,)))
        return any(each is not None for each in own) or any(each.by_path for each in inner)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a match names at least one field; leave it out to mean every request")
        if self.case_sensitive and self.path is None and self.path_prefix is None:
            raise ValueError("caseSensitive belongs to path or pathPrefix, and this match has neither")
        if self.model_fields_set == {"case_sensitive"}:
            raise ValueError("a match names at least one field besides caseSensitive")
        return self
