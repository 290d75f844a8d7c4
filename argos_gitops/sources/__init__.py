"""Git revisions and local directories as Sources.

Belongs here: turning a repository or a folder into a Snapshot. Does not: parsing, planning.
"""
