"""`python -m argos_gitops` is the `argos-gitops` command."""

from argos_gitops.cli import main

main()
