"""How much one file may hold; beyond it the file is refused, so that no input can exhaust us."""

MAX_FILE_BYTES = 1024 * 1024
MAX_BYTES_READ_AGAIN = 4 * MAX_FILE_BYTES
"""Text of one file that the parser may read again for the sake of a `:` or `?` in a flow collection."""
MAX_DEPTH = 64
MAX_NODES = 200_000
"""Nodes of one file with every alias counted as what it stands for; long text counts as several."""
BYTES_A_NODE = 16
MAX_PROBLEMS = 100
"""Problems reported for one file."""
