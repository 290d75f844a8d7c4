"""When things happen again and again: polls, refreshes, retention, sweepers, by APScheduler.

Belongs here: timing. Does not: what the jobs do, which are handed in as functions.
"""
