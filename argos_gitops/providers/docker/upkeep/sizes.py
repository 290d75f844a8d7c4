"""Sizes as people read them."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def told_size(size: int) -> str:
    """`1.3 GiB`; whole bytes below a KiB."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{size} B"
