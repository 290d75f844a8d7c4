"""ContainerPolicy: what every container has to be like, checked in Compose files and on hosts.

Belongs here: the kind, what rules look at, the rules, and what follows from them: problems and warnings of a
revision, notices of a host. Does not: changing anything, or asking an engine.
"""
