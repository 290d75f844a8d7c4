"""Documents and commits of the status branch.

Belongs here: what a person reads about a pass after it. Does not: planning.
"""
