"""Telling people: channels, rules, and the workers that empty the outbox.

Belongs here: who is told of which event, and how a message leaves. Does not: the outbox itself, which
is a port that the store implements, and what led to an event.
"""
