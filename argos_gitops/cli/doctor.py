"""`doctor`: is everything that a pass needs in place, and if not, what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.find import find_resource
from argos_gitops.cli.options import with_application
from argos_gitops.cli.output import show
from argos_gitops.manifests.loader import Loaded
from argos_gitops.model.agent import agent_of
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import ArgosError, ManifestError, SettingsError
from argos_gitops.model.notification import NotificationChannelSpec
from argos_gitops.model.resource import ResourceSet
from argos_gitops.planning.render.lines import Segment, Style, ago, line, pad, visible
from argos_gitops.planning.windows import closed
from argos_gitops.ports.report import WELL
from argos_gitops.reconcile.look import Look


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; a message about what is not well says what to do."""

    subject: str
    well: bool
    message: str


@click.command("doctor")
@with_application
@click.option(
    "--send-test",
    metavar="CHANNEL",
    help="Only send a test message through this NotificationChannel of the repository, now.",
)
def command(application: Application, send_test: str | None) -> int:
    """Check what the next pass needs, and how the last one ended; say what to do. Writes nothing.

    It reads settings, git, store and GeoIP, asks for the right to push the status branch, observes every
    target, and plans.
    """
    well = True
    for finding in _examine(application) if send_test is None else [_send_test(application, send_test)]:
        mark = Segment("ok    ", Style.GOOD) if finding.well else Segment("wrong ", Style.BAD)
        show([line("  ", mark, pad(finding.subject, 24), visible(finding.message))])
        well = well and finding.well
    if send_test is None and well:
        click.echo("All is well: the next pass has what it needs, as far as that shows without writing.")
    else:
        click.echo("All is well." if well else "Something is wrong; see above.")
    return Exit.OK if well else Exit.FAILURE


def _examine(application: Application) -> Iterator[Finding]:
    settings = application.settings
    yield Finding(
        "settings", True, f"repo {application.shown_repo}, path {settings.path}, instance {settings.instance}"
    )
    yield Finding("own addresses", True, _own_addresses(application))
    yield _try("geoip", lambda: _geoip(application))
    yield _try("store", lambda: f"{len(application.statuses.passes(1000))} passes kept")
    try:
        snapshot = application.source.fetch()
    except ArgosError as error:
        yield Finding("git", False, f"{error.reason}: {error}")
        return
    yield Finding("git", True, f"revision {snapshot.revision.short}, {len(snapshot.files())} files")
    loaded = application.load(snapshot)
    yield _configuration(loaded)
    if not loaded.problems:
        spec = agent_of(loaded.resources).status
        yield _try("status branch", lambda: application.status_branch.check(spec, snapshot.revision))
        yield from _windows(application, loaded.resources)
        yield from _systems(application)
    yield from _last_pass(application)


_LOOKED_AT_NOW = frozenset({"Unreachable", "Blocked", "StalePlan"})
"""Results of a pass that say nothing which looking again does not."""


def _last_pass(application: Application) -> Iterator[Finding]:
    """What only writing shows: a hook that refuses a push, a module that Caddy lacks, a host that is down."""
    for name, untold in application.statuses.untold().items():
        first = ago(untold.since, application.now())
        said = f"not up to date: {untold.reason}: {untold.message} (first {first})"
        yield Finding(f"{name} last pass", False, said)
    for target, state in application.statuses.targets().items():
        if state.result not in WELL | _LOOKED_AT_NOW:
            said = f"{state.result}: {state.message}" if state.message else state.result
            yield Finding(f"{target} last pass", False, said)
    for each in application.statuses.exceptions():
        if each.type == "Ready" and each.status is Truth.FALSE:
            yield Finding(f"{each.subject} last pass", False, f"{each.reason}: {each.message}")


def _own_addresses(application: Application) -> str:
    """What no ban may cover because it would hit this machine or whoever sits behind its address."""
    own, now = application.own_addresses, application.now()
    public = [f"{seen.address} (public, seen {ago(seen.at, now)})" for seen in own.public()]
    if not public and application.settings.public_ip_url is not None:
        public = ["no public one yet, a running agent asks for it"]
    shown = {str(seen.address) for seen in own.public()}
    local = [str(network.network_address) for network in own.networks()]
    return ", ".join([*public, *(address for address in local if address not in shown)]) or "none"


def _windows(application: Application, resources: ResourceSet) -> Iterator[Finding]:
    windows = agent_of(resources).windows
    now = application.now()
    override = application.controls.override(now)
    for kind in sorted({spec.target_kind for spec in application.specs}) if windows else ():
        for target in resources.of_kind(kind).values():
            found = closed(windows, target.key, now, None if override is None else override.until)
            yield Finding(f"{target.key} windows", True, "open now" if found is None else found.sentence)


def _send_test(application: Application, name: str) -> Finding:
    from argos_gitops.notify.attempt import attempt_test

    loaded = application.load(application.source.fetch())
    if loaded.problems:
        raise ManifestError(loaded.problems)
    channel = find_resource(loaded.resources, f"{NotificationChannelSpec.kind}/{name}")
    spec = loaded.resources.of(NotificationChannelSpec)[channel.name]
    instance = application.settings.instance
    return _try(
        str(channel.key),
        lambda: (
            attempt_test(spec, application.secrets, instance, application.now()) or "a test message was sent"
        ),
    )


def _try(subject: str, work: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, work())
    except ArgosError as error:
        return Finding(subject, False, f"{error.reason}: {error}")


def _geoip(application: Application) -> str:
    path = application.settings.geoip_country
    if path is None:
        url = application.settings.geoip_country_url
        return "fetched from a URL" if url else "none; CountryBans need ARGOS_GEOIP_COUNTRY (a file) or _URL"
    from geoip2.database import Reader
    from maxminddb import InvalidDatabaseError

    try:
        with Reader(path) as reader:
            metadata = reader.metadata()
    except (OSError, InvalidDatabaseError) as error:
        raise SettingsError(
            f"ARGOS_GEOIP_COUNTRY: {path} is no readable country database; fetch it anew",
            reason="GeoDatabaseMissing",
        ) from error
    return f"{metadata.database_type}, built {datetime.fromtimestamp(metadata.build_epoch, UTC):%Y-%m-%d}"


def _configuration(loaded: Loaded) -> Finding:
    if loaded.problems:
        return Finding("configuration", False, f"{len(loaded.problems)} problems; run argos-gitops validate")
    return Finding("configuration", True, f"{len(loaded.resources):,} resources")


def _systems(application: Application) -> Iterator[Finding]:
    outlook = application.look()
    looks = outlook.looks
    if not looks:
        yield Finding("targets", False, "none; add an Edge with a caddy or crowdsec section")
    for reason in outlook.plan.blocked:
        cure = f"approve it with --approve {outlook.plan.digest}, or change the repository"
        yield Finding("plan", False, f"Blocked: {reason}; {cure}")
    for look in looks:
        yield _system(look)
        for notice in look.plan.notices:
            about = f"{notice.subject}: " if notice.subject else ""
            yield Finding(str(look.system.key), False, f"{about}{notice.reason}: {notice.message}")


def _system(look: Look) -> Finding:
    failure = look.plan.failure
    if failure is not None:
        return Finding(str(look.system.key), False, f"{failure.reason}: {failure.message}")
    return Finding(str(look.system.key), True, f"answers; {len(look.plan.changes)} changes pending")
