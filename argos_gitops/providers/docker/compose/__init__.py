"""Stacks as Docker Compose sees them: rendered, and run, by the real `docker compose`.

Belongs here: finding the program, putting a Stack's files in place, what it makes of them (with secrets
and without), running it, and reading what it says. Does not: what Compose does itself (merging,
interpolation, order), talking to an engine in any other way, deciding what is to be done.

For others: `ComposeRenderer` (no engine, no secret), `ComposeRunner` (one host) and `ComposeError`.
"""
