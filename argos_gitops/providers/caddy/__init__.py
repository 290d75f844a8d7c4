"""Provider caddy; see README.md in this folder."""
