"""A ban in words."""

from ipaddress import ip_network

from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.crowdsec.fields import difference, fields_of, taken_out
from argos_gitops.providers.crowdsec.marks import Stamp
from argos_gitops.providers.crowdsec.observe import ban_content

_POLICY = Stamp("ban", "Range", "argos-gitops/main: policy")
_MANY = [str(each) for each in ip_network("198.18.0.0/16").subnets(new_prefix=24)]


def test_a_single_address_is_told_with_its_reason_and_end() -> None:
    stamp = Stamp("captcha", "Ip", "argos-gitops/main: scanner (until 2027-01-01T00:00:00Z)")
    assert fields_of(ban_content(stamp, ["203.0.113.7"])) == {
        "type": "captcha",
        "address": "203.0.113.7",
        "reason": "scanner",
        "until": "2027-01-01T00:00:00Z",
    }


def test_many_ranges_are_counted() -> None:
    content = ban_content(_POLICY, [*_MANY, "2001:db8::/32"])
    remarks = taken_out([(ResourceKey("Allowlist", "partners"), 3)])
    assert fields_of(content, remarks)["ranges"] == (
        "257 (256 IPv4, 1 IPv6); 3 taken out by Allowlist/partners"
    )


def test_a_difference_is_counted_with_examples() -> None:
    """Two contents of one size are told apart, too."""
    after = [*_MANY[4:], "192.0.2.0/24"]
    assert difference(_MANY, after) == (
        "+1 −4: +192.0.2.0/24, −198.18.0.0/24, −198.18.1.0/24, −198.18.2.0/24, …"
    )
    assert difference(_MANY[:1], _MANY[:2]) == ""
    assert difference((), after) == ""
    assert difference(_MANY, _MANY) == ""


def test_what_is_replaced_is_told() -> None:
    content = ban_content(_POLICY, ["192.0.2.0/24"])
    content["also"] = [ban_content(Stamp("captcha", "Range", "x"), ["192.0.2.0/24"])]
    assert fields_of(content)["replaced"] == "192.0.2.0/24 as captcha (x)"
