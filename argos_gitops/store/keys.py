"""Keys that are made once for a store and stay in it."""

import secrets

from sqlalchemy import Engine, select

from argos_gitops.store.database import store_errors
from argos_gitops.store.statements import inserting
from argos_gitops.store.tables import keys

_DIGESTS = "digests"
_BYTES = 32


def digest_key(engine: Engine) -> bytes:
    """The key of digests that others read: 32 random bytes, made by whoever asks first. Raises StoreError."""
    asked = select(keys.c.key).where(keys.c.name == _DIGESTS)
    with store_errors(engine), engine.begin() as connection:
        found = connection.execute(asked).scalar()
        if found is None:
            fresh = inserting(connection, keys).values(name=_DIGESTS, key=secrets.token_bytes(_BYTES))
            connection.execute(fresh.on_conflict_do_nothing(index_elements=["name"]))
            found = connection.execute(asked).scalar_one()
    return bytes(found)
