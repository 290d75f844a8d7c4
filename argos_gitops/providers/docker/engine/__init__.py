"""Talking to one Docker engine: its HTTP API, over a Unix socket, ssh, or TCP with TLS.

Belongs here: how the engine is reached, the calls of its API, its failures as errors of ours. Does not:
what should run there, Compose.
"""
