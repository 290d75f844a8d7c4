"""Labels by which containers tell what they were made of, Compose's own and two of ours. Pure."""

from collections.abc import Mapping

HASH_LABEL = "com.docker.compose.config-hash"

CONTENT_LABEL = "argos.dev/content"
"""Which content a service mounts or is built of: files of the repository by their blobs, and `configs` and
`secrets`.

Compose takes no notice of what is in such a file, so that this is what makes a service with a changed
file another one. A service that sets the label itself, to whatever, is left as it is.
"""

CONFIG_LABEL = "argos.dev/config-hash"
"""The config hash of a service that shares a namespace or volumes with another service.

Compose's own label then covers the id of the other's container, so that nobody could know it before.
"""

RESTARTED_LABEL = "argos.dev/restartedAt"


def config_hash_of(labels: Mapping[str, str]) -> str:
    """The config hash that a container was made with, to be compared with `Hashes`; empty for none."""
    return labels.get(CONFIG_LABEL) or labels.get(HASH_LABEL, "")
