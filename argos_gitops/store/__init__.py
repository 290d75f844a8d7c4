"""Tables and migrations: inventory, status, history behind one SQLAlchemy URL; the local parse cache.

Belongs here: how state is kept. Does not: business rules.
"""
