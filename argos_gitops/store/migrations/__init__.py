"""Alembic migrations, upwards only; each released schema stays reachable from the first."""
