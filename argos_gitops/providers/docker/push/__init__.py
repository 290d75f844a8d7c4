"""The push agent: a bash script that tells an argos-gitops, or an ArchNest, about the containers of its host.

Belongs here: the script and what runs it (systemd, cron, an example of its settings); it is copied to
Docker hosts, which have no Python of ours. Does not: taking reports in (web/), or comparing them (reported/).
"""
