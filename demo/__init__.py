"""The whole thing live: `scripts/demo` shows a repository becoming a running edge, and staying one.

Belongs here: the story, and the stage it plays on. Does not: any logic of the product, which is used
through its command line alone, or starting components, which tests/components does.
"""
