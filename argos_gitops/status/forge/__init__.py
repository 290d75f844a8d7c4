"""The forge that hosts the config repository: commit statuses, comments on pull requests, pull requests.

Belongs here: what is told where, and how each API is spoken to. Does not: how a plan reads, or git.
`api` is one HTTP API, `github`, `gitlab` and `gitea` the clients behind the Protocol in `forge`, `place` says
where the API is; `verdict` and `comment` decide what is told (pure), `reporter` tells it, `proposals` opens
pull requests, `previews` plans those of others.
"""
