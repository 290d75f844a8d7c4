"""`render`: what one resource compiles to."""

import json

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.find import find_resource
from argos_gitops.cli.options import REV, with_application
from argos_gitops.model.errors import TransientError


@click.command("render")
@click.argument("resource", metavar="KIND/NAME")
@with_application
@REV
def command(application: Application, resource: str, rev: str | None) -> int:
    """Print what KIND/NAME compiles to, for each target, as JSON: a Caddy route, a list of decisions.

    Targets are asked, as what is compiled depends on what they can do. Secrets stand as placeholders, and
    those out of SOPS files are masked.
    """
    outlook = application.look(rev, whole=True)
    wanted = find_resource(outlook.resources, resource)
    compiled = {
        str(look.system.key): {
            each.id: each.content for each in (look.objects or {}).values() if each.owner == wanted.key
        }
        for look in outlook.looks
    }
    found = {key: value for key, value in compiled.items() if value}
    failures = [look.plan.failure for look in outlook.looks if look.plan.failure is not None]
    if failures and not found:
        raise TransientError(failures[0].message, reason=failures[0].reason)
    click.echo(application.masked(json.dumps(found, indent=2)))
    return Exit.OK
