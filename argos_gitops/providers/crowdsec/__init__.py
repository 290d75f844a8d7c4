"""Provider crowdsec; see README.md in this folder."""
