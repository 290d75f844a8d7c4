"""Diff, cause, order, guard, and rendering a plan (text, Markdown, JSON). Pure: time comes as an argument.

Belongs here: whatever turns desired, live and inventory into changes, and changes into words.
Does not: I/O, clocks, knowledge of any one provider.
"""
