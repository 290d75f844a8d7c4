"""The kinds NotificationChannel and NotificationRule: how people are reached, and who is told of what."""

from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from string import Template
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from argos_gitops.model.event import EVENTS, Severity
from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, SpecModel, reference

PLACEHOLDERS = frozenset({"title", "text", "severity", "events", "subjects", "count", "instance", "at", "id"})
"""What a template may name: `$title` or `${title}`; `$$` is a dollar sign."""

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)"
_URL = rf"^https?://({_HOST}([/?#]\S*)?|{_HOST}:[0-9]{{1,5}}([/?#][^\s@]*)?)$"
"""No user and password, and nothing that may be the beginning of them, see model/urls.py."""
Url = Annotated[str, Field(pattern=_URL, max_length=2000, examples=["https://example.com/hook"])]
Line = Annotated[str, Field(pattern=r"^[^\r\n\x00]*$", max_length=1000)]
HeaderName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=100, examples=["X-Token"])
]
_ADDRESS = r'[^\s@<>,;"]+@[^\s@<>,;"]+'
MailAddress = Annotated[str, Field(pattern=f"^{_ADDRESS}$", max_length=320, examples=["argos@example.com"])]
Mailbox = Annotated[
    str,
    Field(
        pattern=rf'^({_ADDRESS}|[^\r\n<>"@]* ?<{_ADDRESS}>)$',
        max_length=500,
        examples=["argos@example.com", "Argos, the edge <argos@example.com>"],
    ),
]


def _checked_template(text: str) -> str:
    template = Template(text)
    if not template.is_valid():
        raise ValueError("a lone $ in a template; write $$ for a dollar sign")
    unknown = sorted(set(template.get_identifiers()) - PLACEHOLDERS)
    if unknown:
        known = ", ".join(f"${name}" for name in sorted(PLACEHOLDERS))
        raise ValueError(f"a template knows no ${unknown[0]}; there are {known}")
    return text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


class WebhookChannel(SpecModel):
    """POSTs JSON to a URL. Redirects are not followed."""

    url: Url | SecretRef = Field(description="Where to; a secret where the URL itself lets people in.")
    headers: dict[HeaderName, Line | SecretRef] = Field(
        default_factory=dict, description="Further headers, such as Authorization from a secret."
    )
    signing_secret: SecretRef | None = Field(
        None,
        description="Signs each message as the Standard Webhooks specification says (HMAC-SHA256 over id, "
        "time and body), in the header webhook-signature.",
    )
    body: dict[str, Any] | None = Field(
        None,
        description="The JSON to send, with $placeholders in its strings. Default: all that is known of the "
        "events, as docs/notifications.md shows.",
    )
    max_text: int | None = Field(
        None,
        ge=100,
        le=20_000,
        description="Characters of $text at most; what is longer ends in `… and 17 more`. Default: what "
        "Discord, Slack, Teams and ntfy.sh take, 20,000 for others.",
    )

    @field_validator("body")
    @classmethod
    def _known_placeholders(cls, body: dict[str, Any] | None) -> dict[str, Any] | None:
        for text in _texts(body):
            _checked_template(text)
        return body


class SmtpChannel(SpecModel):
    """Sends mail."""

    host: str = Field(
        pattern=r"^[^\s/:@]+$", max_length=253, description="The mail server.", examples=["mail.example.com"]
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="Its port. Default: 587 with starttls, 465 with tls, else 25."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is protected; `none` only where nobody can listen."
    )
    ca_file: str | None = Field(
        None, pattern=r"^/", description="Certificates (PEM) to trust instead of the system's."
    )
    username: Line | None = Field(None, description="Name to log in with.")
    password: SecretRef | None = Field(None, description="Password to log in with.")
    sender: Mailbox = Field(
        alias="from", description="Address that mail comes from, with a name before it or not."
    )
    to: tuple[Mailbox, ...] = Field(
        min_length=1, max_length=50, description="Addresses that it goes to, with names or not."
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


class TelegramChannel(SpecModel):
    """Sends messages as a Telegram bot."""

    bot_token: SecretRef = Field(description="The bot's token, as BotFather gave it.")
    chat_id: Annotated[
        str,
        Field(pattern=r"^(-?[0-9]+|@[A-Za-z0-9_]+)$", max_length=64, examples=["-1001234567890", "@channel"]),
    ] = Field(description="The chat: its number as a string, or @NAME of a channel.")
    thread_id: int | None = Field(None, ge=1, description="Topic within a group that has topics.")
    api_url: Url = Field("https://api.telegram.org", description="Where the Bot API is.")


class WebPushChannel(SpecModel):
    """Sends encrypted notifications to browsers (RFC 8030, 8291 and 8292)."""

    private_key: SecretRef = Field(description="VAPID private key: PEM, or its 32 bytes in base64url.")
    contact: Annotated[str, Field(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$", max_length=320)] = Field(
        description="Whom the push service may ask, as mailto:ADDRESS or https://…"
    )
    subscriptions: tuple[SecretRef, ...] = Field(
        min_length=1,
        max_length=50,
        description="What PushSubscription.toJSON() gave in each browser; one may also hold a list of them.",
    )
    time_to_live: Duration = Field(
        timedelta(days=1), description="How long the push service keeps a message for a browser that is off."
    )


class AppriseChannel(SpecModel):
    """Whatever else Apprise speaks. Needs `pip install argos-gitops[notify]`."""

    url: SecretRef = Field(description="Apprise's URL, such as ntfy://… or matrix://…")


class TemplateSpec(SpecModel):
    """How a message reads. Placeholders: $title, $text, $severity, $events, $subjects, $count, $instance, $at
    and $id."""

    title: Line | None = Field(None, description="The title; the subject of a mail.")
    text: Annotated[str, Field(max_length=20_000)] | None = Field(None, description="The text.")

    @field_validator("title", "text")
    @classmethod
    def _known_placeholders(cls, text: str | None) -> str | None:
        return None if text is None else _checked_template(text)


class NotificationChannelSpec(SpecModel):
    """A way to reach people: exactly one of webhook, smtp, telegram, webPush and apprise."""

    kind: ClassVar[str] = "NotificationChannel"

    webhook: WebhookChannel | None = Field(None, description="Signed JSON to a URL.")
    smtp: SmtpChannel | None = Field(None, description="Mail.")
    telegram: TelegramChannel | None = Field(None, description="A Telegram bot.")
    web_push: WebPushChannel | None = Field(None, description="Browsers.")
    apprise: AppriseChannel | None = Field(None, description="Any service that Apprise knows.")
    rate_limit_per_minute: int = Field(
        10,
        ge=1,
        le=600,
        description="Messages a minute at most. What comes faster waits, and goes out in one message.",
    )
    template: TemplateSpec = Field(default_factory=TemplateSpec, description="Other words for a message.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        ways = (self.webhook, self.smtp, self.telegram, self.web_push, self.apprise)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("a channel has exactly one of webhook, smtp, telegram, webPush and apprise")
        return self


class NotificationRuleSpec(SpecModel):
    """Who is told of what. An event that several rules send to one channel is sent there once."""

    kind: ClassVar[str] = "NotificationRule"

    channels: tuple[Annotated[str, reference("NotificationChannel")], ...] = Field(
        min_length=1, description="The NotificationChannels that are used."
    )
    events: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        ("*",), min_length=1, description="Names of events, or patterns such as `Pass*`."
    )
    min_severity: Severity = Field(
        Severity.INFO, description="Nothing less severe. The end of a state is as severe as the state."
    )
    objects: tuple[Annotated[str, Field(pattern=r"^[^\s/]+/[^\s/]+$")], ...] = Field(
        (),
        description="Only events about these resources or targets: KIND/NAME, or patterns such as "
        "`Host/shop-*`. Default: all, and those about no resource.",
    )
    recoveries: bool = Field(True, description="Whether the end of a state that is told is told too.")
    after: Duration = Field(
        timedelta(0), description="A state is told only if it has lasted so long; its end then too."
    )
    throttle: Duration = Field(
        timedelta(minutes=5), description="The same news about the same thing is told once within it."
    )

    @field_validator("events")
    @classmethod
    def _known_events(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in EVENTS):
                raise ValueError(f"no event is called {pattern!r}; docs/notifications.md lists them")
        return patterns
