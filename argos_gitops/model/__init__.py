"""The words of the domain: frozen values that every other room speaks in.

Belongs here: resources, revisions, changes, plans, conditions, errors, the base of typed specs.
Does not: I/O, wall clocks, logging, knowledge of Caddy, CrowdSec, Docker or git.
"""
