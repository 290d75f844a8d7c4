"""Long-lived threads: none ends by itself without being started again, and seen."""
