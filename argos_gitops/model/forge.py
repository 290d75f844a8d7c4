"""The forge that hosts the config repository: where commits are judged and pull requests live."""

from typing import Literal

from pydantic import Field

from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import SpecModel


class ForgeSpec(SpecModel):
    """How passes are told on the forge, and where pull requests are opened."""

    type: Literal["github", "gitlab", "gitea", "forgejo"] = Field(description="Which API it speaks.")
    api_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+(/[^?#@\s]*)?$",
        description="Base URL of its API, such as https://git.example.com/api/v1. Default: from the "
        "repository's URL.",
    )
    project: str | None = Field(
        None,
        pattern=r"^[^\s?#]+/[^\s?#]+$",
        description="OWNER/NAME of the repository there. Default: from the repository's URL.",
    )
    token: SecretRef = Field(description="A token that may set commit statuses and write comments.")
    commit_status: bool = Field(True, description="Whether each revision gets a commit status.")
    comments: bool = Field(True, description="Whether pull requests get the plan as a comment.")
    plans: bool = Field(
        False,
        description="Whether open pull requests get a comment that says what merging them would change. "
        "Those from forks are never planned.",
    )
    context: str = Field(
        "argos-gitops/{instance}", min_length=1, description="The context of commit statuses."
    )
