"""Plans that the tests of rendering and of plan files share."""

from datetime import UTC, datetime, timedelta
from functools import partial

from argos_gitops.model.change import Action, Cause, Change, FieldChange
from argos_gitops.model.plan import Failure, Held, Plan, SystemPlan
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.source import Revision
from argos_gitops.planning import plan as planning
from tests.planning.world import CADDY, CROWDSEC

NOW = datetime(2026, 6, 1, 15, 30, tzinfo=UTC)
KEY = b"the key of one store"
assemble = partial(planning.assemble, key=KEY)
REVISION = Revision("3f2a9c1" + "0" * 33, "7" * 40, "main", "move grafana")
BLOCKED = (
    "Edge/main caddy: 5 of 6 Host objects (83%) would be removed, and guard.maxDeleteShare is 30%; "
    "if that is meant, apply with --approve and the digest of this plan"
)

MOVE = Change(
    Action.UPDATE,
    Cause.REVISION,
    "host/grafana",
    ResourceKey("Host", "grafana"),
    {"upstream": "10.0.0.5:3000"},
    {"upstream": "10.0.0.6:3000"},
    Location("hosts/grafana.yaml", 9, 3),
    (FieldChange("upstream", "10.0.0.5:3000", "10.0.0.6:3000"),),
)
BAN = Change(
    Action.CREATE,
    Cause.REVISION,
    "country/NG",
    ResourceKey("CountryBan", "ng"),
    None,
    {"country": "NG"},
    Location("bans/countries.yaml", 1, 1),
    (FieldChange("ranges", None, "1,248 (877 IPv4, 371 IPv6), 3 taken out by Allowlist/partners"),),
)
REPAIR = Change(
    Action.UPDATE,
    Cause.DRIFT,
    "host/wiki",
    ResourceKey("Host", "wiki"),
    {},
    {"X-Frame-Options": "DENY"},
    Location("hosts/wiki.yaml", 1, 1),
    (FieldChange("X-Frame-Options", None, "DENY"),),
    since=NOW - timedelta(minutes=88),
)
REMOVAL = Change(
    Action.DELETE,
    Cause.REVISION,
    "decision/old-scanner",
    ResourceKey("Decision", "old-scanner"),
    {"value": "203.0.113.7"},
    None,
    fields=(FieldChange("value", "203.0.113.7", None),),
)
RENEWAL = Change(
    Action.UPDATE,
    Cause.EXPIRY,
    "decision/scanner",
    ResourceKey("Decision", "scanner"),
    {"value": "203.0.113.8"},
    {"value": "203.0.113.8"},
    Location("bans/scanner.yaml", 1, 1),
    note="to be renewed since 2026-06-01 15:00 UTC",
)
EDIT = Change(
    Action.UPDATE,
    Cause.REVISION,
    "host/blog",
    ResourceKey("Host", "blog"),
    {"upstream": "10.0.0.7:3000"},
    {"upstream": "10.0.0.8:3000"},
    Location("hosts/blog.yaml", 1, 1),
    (FieldChange("upstream", "10.0.0.7:3000", "10.0.0.8:3000"),),
)


def example() -> Plan:
    """The plan of the design's example."""
    return assemble(
        REVISION,
        [SystemPlan(CADDY, (MOVE, REPAIR), "f1"), SystemPlan(CROWDSEC, (BAN, REMOVAL), "f2")],
        applied_revision="81bd00e" + "0" * 33,
        applied_at=NOW - timedelta(hours=2, minutes=3),
    )


def troubled() -> Plan:
    """Blocked, with a system that does not answer, something kept and something worth knowing."""
    caddy = SystemPlan(
        CADDY,
        (MOVE,),
        "f1",
        blocked=(BLOCKED,),
        held=(Held(EDIT, "Suspended", "Host/blog is suspended (argos.dev/suspend)", intended=True),),
        notices=(Failure("CaddyTooOld", "Caddy 2.6.2 lacks trusted_proxies, which needs 2.6.3"),),
    )
    crowdsec = SystemPlan(
        CROWDSEC, failure=Failure("Unreachable", "http://127.0.0.1:8081: connection refused")
    )
    return assemble(REVISION, [caddy, crowdsec])


def of_changes(*changes: Change) -> Plan:
    return assemble(REVISION, [SystemPlan(CADDY, changes, "f1")])


def many(count: int) -> Plan:
    """So many new Hosts, and one removal that must not be lost among them."""
    created = (
        Change(
            Action.CREATE,
            Cause.REVISION,
            f"host/h{number:05}",
            ResourceKey("Host", f"h{number:05}"),
            None,
            {"n": number},
            Location(f"hosts/h{number:05}.yaml", 1, 1),
            (FieldChange("domains", None, f"h{number}.example.com"),),
        )
        for number in range(count)
    )
    return of_changes(*created, REMOVAL)
