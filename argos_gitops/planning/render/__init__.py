"""A plan, or the problems of a revision, in words: for people, for forges and for programs.

Belongs here: text (lines of styled segments that the command line paints), Markdown, JSON, GitHub
annotations. Does not: terminals, colours, files. Whatever comes from git or from a live system passes
`lines.visible` or an escape of the format on its way out, as either may be hostile.
"""
