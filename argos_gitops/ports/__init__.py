"""Protocols between the rooms: what the reconciler needs, said without saying who gives it.

Belongs here: Protocols and the frozen arguments they take. Does not: implementations.
"""
