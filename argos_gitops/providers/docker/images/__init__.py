"""Images: what their references mean, what a registry holds, and which newer ones a Stack should have.

Belongs here: reading references as Docker does, the registry's HTTP API, choosing a tag or digest, and
editing the user's own Compose and env files so that they name it. Does not: pulling or running images,
when updates are looked for (`upkeep/`), branches and pull requests (the program's).
"""
