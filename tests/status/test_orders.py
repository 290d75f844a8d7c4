"""fm22: what people hold stands on the page that everybody reads, for as long as it is followed."""

from dataclasses import replace
from datetime import timedelta

from argos_gitops.ports.control import AGENT, Orders, Override, Pin, Suspension
from argos_gitops.status.memory import NOTHING
from argos_gitops.status.overview import overview
from argos_gitops.status.pages import readme
from tests.status.passes import START, a_pass, sha_of

BY = "user/ann@desk"
ORDERS = Orders(
    (Suspension("Host/wiki", BY, START, "moving [house]"), Suspension(AGENT, BY, START)),
    Pin(sha_of(3), BY, START, "bad move"),
    Override(START + timedelta(minutes=30), BY, START, "outage"),
)


def page(orders: Orders) -> str:
    return (
        readme(overview("test", replace(a_pass(), orders=orders), NOTHING), NOTHING)
        .decode()
        .replace("\\", "")
    )


def test_fm22_every_order_is_told_with_who_and_why() -> None:
    told = page(ORDERS)
    assert "## Ordered by people" in told
    assert "- Suspended: Host/wiki, by user/ann`@`desk: moving [house]" in told
    assert "- Suspended: everything, by user/ann`@`desk\n" in told
    assert f"- Held at `{sha_of(3)[:7]}`, git is not followed, by user/ann`@`desk: bad move" in told
    assert "- Closed windows do not count until 2026-01-02 03:34:05 UTC, by user/ann`@`desk: outage" in told


def test_fm22_nothing_is_told_where_nobody_holds_anything() -> None:
    assert "Ordered by people" not in page(Orders())
