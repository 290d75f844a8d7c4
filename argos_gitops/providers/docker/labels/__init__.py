"""Routes from labels: what Traefik's labels in Compose files ask of an Edge, as Hosts and Services.

Belongs here: reading rules and labels as Traefik 2.11 and 3.x do, and saying the same in our own documents.
Does not: rendering Compose files, Caddy, or anything that asks a live system.
"""
