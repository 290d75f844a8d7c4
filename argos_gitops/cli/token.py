"""`token`: the tokens that the push agents of Docker hosts report with."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import click

from argos_gitops.app.application import Application
from argos_gitops.app.host_tokens import TokenDesk
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.options import duration, output_option, with_application
from argos_gitops.cli.output import show
from argos_gitops.model.secret import SecretValue
from argos_gitops.planning.render.lines import Line, columns, line, pad
from argos_gitops.ports.host_tokens import HostToken
from argos_gitops.ports.reports import ReportedHost

_TITLES = ("HOST", "TOKEN", "CREATED (UTC)", "BY", "LAST REPORT (UTC)")
_HOST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def _host(_: click.Context, __: click.Parameter, value: str) -> str:
    if not _HOST_ID.fullmatch(value):
        raise click.BadParameter("a host's id is 1 to 128 letters, digits, '.', '_' and '-'")
    return value


_HOST = click.argument("host", callback=_host)


@click.group("token")
def command() -> None:
    """Make, exchange and take back the tokens of the agents on Docker hosts.

    Each token speaks for one host. It is shown once; only a hash of it is kept. A host that has a token is
    no longer let in with the token that hosts share (ARGOS_AGENT_TOKEN).
    """


@command.command("create")
@_HOST
@with_application
def create(application: Application, host: str) -> int:
    """Make the first token of HOST and print it: nothing else goes to stdout."""
    _tell(TokenDesk(application).create(host))
    click.echo(f"The token of {host}; it is not shown again. From now on no other is accepted.", err=True)
    return Exit.OK


@command.command("rotate")
@_HOST
@click.option(
    "--grace",
    callback=duration,
    default="24h",
    show_default=True,
    metavar="DURATION",
    help="How long the old token still holds; 0s ends it at once.",
)
@with_application
def rotate(application: Application, host: str, grace: timedelta) -> int:
    """Print a new token for HOST; the old one holds until the grace period has passed."""
    token, until = TokenDesk(application).rotate(host, grace)
    _tell(token)
    click.echo(
        f"The new token of {host}; it is not shown again. The old one holds until {_shown(until)} UTC.",
        err=True,
    )
    return Exit.OK


@command.command("revoke")
@_HOST
@click.option("--forget", is_flag=True, help="Also drop what it reported, and that it ever had a token.")
@with_application
def revoke(application: Application, host: str, forget: bool) -> int:
    """End all tokens of HOST at once. It stays shut out, with the shared token too, unless forgotten."""
    if not TokenDesk(application).revoke(host, forget=forget):
        click.echo(f"Host {host} has no token" + (", and never reported." if forget else "."), err=True)
        return Exit.FAILURE
    if forget:
        click.echo(f"Host {host} is forgotten. Whoever has the shared token may report for it again.")
    else:
        click.echo(f"Host {host} is shut out, until `argos-gitops token create {host}`.")
    return Exit.OK


@command.command("list")
@with_application
@output_option("text", "json")
def list_(application: Application, output: str) -> int:
    """Show every token and every host that reports, but no token itself."""
    hosts = {host.host_id: host for host in application.reports.hosts()}
    rows = list(_rows(TokenDesk(application).all(), hosts, application.now()))
    if output == "json":
        click.echo(json.dumps([row.document() for row in rows], indent=2))
    elif rows:
        show(_table([row.cells() for row in rows]))
    else:
        click.echo("No host has a token, and none has reported.")
    return Exit.OK


@dataclass(frozen=True, slots=True)
class _Row:
    """One token; or one host that reports without one of its own."""

    host_id: str
    state: str
    token: HostToken | None
    last_report: datetime | None

    def cells(self) -> tuple[str, ...]:
        created, by = (_shown(self.token.created_at), self.token.created_by) if self.token else ("", "")
        ends = self.token.expires_at if self.token and self.state == "replaced" else None
        state = f"{self.state}, until {_shown(ends)}" if ends else self.state
        return (self.host_id, state, created, by, _shown(self.last_report) if self.last_report else "never")

    def document(self) -> dict[str, str | None]:
        return {
            "hostId": self.host_id,
            "state": self.state,
            "createdAt": _iso(self.token.created_at if self.token else None),
            "createdBy": self.token.created_by if self.token else None,
            "expiresAt": _iso(self.token.expires_at if self.token else None),
            "lastReportAt": _iso(self.last_report),
        }


def _tell(token: SecretValue) -> None:
    click.echo(token.reveal())


def _rows(tokens: Sequence[HostToken], hosts: Mapping[str, ReportedHost], now: datetime) -> Iterator[_Row]:
    """In the order of the hosts, of each the newest token first."""
    last = {host_id: host.received_at for host_id, host in hosts.items()}
    unbound = hosts.keys() - {token.host_id for token in tokens}
    rows = [_Row(token.host_id, _state(token, now), token, last.get(token.host_id)) for token in tokens]
    rows += [_Row(host_id, "shared", None, last[host_id]) for host_id in unbound]
    yield from sorted(rows, key=lambda row: row.host_id)


def _state(token: HostToken, now: datetime) -> str:
    if token.expires_at is None:
        return "valid"
    return "replaced" if token.holds(now) else "ended"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[Line]:
    every = [_TITLES, *rows]
    widths = [max(columns(row[index]) for row in every) + 2 for index in range(len(_TITLES))]
    for row in every:
        yield line("".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())
