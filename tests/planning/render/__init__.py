"""Plans and problems in words."""
