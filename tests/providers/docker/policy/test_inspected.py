"""A container as its engine inspects it, in the shape of a report."""

from argos_gitops.providers.docker.policy.inspected import as_reported


def test_the_order_of_the_engine_is_no_difference() -> None:
    """It gives mounts and ports in another order each time: no fingerprint may move with that."""
    mounts = [{"Type": "volume", "Source": name, "Destination": f"/{name}", "RW": True} for name in "cab"]
    ports = {f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}] for port in (82, 80, 81)}
    container = {
        "Id": "1",
        "Name": "/web",
        "Config": {"Image": "web"},
        "HostConfig": {"PortBindings": ports},
        "Mounts": mounts,
    }
    again = {
        **container,
        "HostConfig": {"PortBindings": dict(reversed(ports.items()))},
        "Mounts": mounts[::-1],
    }
    assert as_reported(container) == as_reported(again)
