"""Labels by which containers tell what they were made of, Compose's own and two of ours. Pure."""

from collections.abc import Mapping

from argos_gitops.model.containers import CONFIG_LABEL, HASH_LABEL

RESTARTED_LABEL = "argos.dev/restartedAt"


def config_hash_of(labels: Mapping[str, str]) -> str:
    """The config hash that a container was made with, to be compared with `Hashes`; empty for none."""
    return labels.get(CONFIG_LABEL) or labels.get(HASH_LABEL, "")
