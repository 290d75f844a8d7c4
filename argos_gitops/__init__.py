"""argos-gitops: keeps a self-hosted edge and its Docker hosts equal to a git repository."""

__version__ = "0.1.0"
