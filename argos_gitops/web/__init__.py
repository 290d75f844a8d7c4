"""What the outside may ask over HTTP: webhooks, health, metrics, the read API, forward-auth.

Belongs here: Starlette applications and how requests are checked. Does not: passes, stores, providers;
it is handed a trigger, readers and verdicts, and it is the only room that is async.
"""
