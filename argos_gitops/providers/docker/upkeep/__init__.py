"""What a Schedule does when its time has come: image updates, cleaning up, restarts.

Belongs here: turning Schedules into jobs, choosing what they are for, deciding what may be removed, and
saying what was done. Does not: when jobs run, locks, windows and the audit log (the program's).
"""
