"""Hosts that only report: what their Stacks should be, held against the newest report of their push agent.

Belongs here: reading a report as the services of Compose projects, what of it compares with a Stack, and
the provider of a DockerHost without `connection`. Does not: taking in and keeping reports (web, store), or
anything that writes to a host.
"""
