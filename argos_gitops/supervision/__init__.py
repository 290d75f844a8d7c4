"""What keeps long-lived threads running: restart, backoff, and how each of them is.

Belongs here: the supervised thread, the record of all of them, the one backoff. Does not: what a thread does.
"""
