"""Git plumbing that sources and status share: a bare mirror, batched blob reads, commits without a work tree.

Belongs here: how bytes and commits travel. Does not: what the bytes mean.
`command` starts git, `environment` says in which surroundings, `address` where a repository is; `repository`
is one object store, `remote` one other end, `mirror` both together, `branch` what several append to.
"""
