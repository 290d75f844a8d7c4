"""The forward-auth bouncer: what LAPI has decided, in memory, and what follows of it for an address.

Belongs here: LAPI's stream, the index of its decisions, the thread that keeps it fresh. Does not: HTTP
towards Caddy (`web/forward_auth.py`), our own writing to LAPI (the rest of `providers/crowdsec`).
"""
