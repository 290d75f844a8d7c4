"""The pass: fetch, load, observe, plan, guard, apply, verify, report.

Belongs here: the order of steps and what happens when one fails.
Does not: knowledge of any one provider, of git, of SQL.
"""
