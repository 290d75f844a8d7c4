"""Git plumbing that sources and status share: a bare mirror, batched blob reads, commits without a work tree.

Belongs here: how bytes and commits travel. Does not: what the bytes mean.
"""
