"""The command line: one file per command; argument in, exit code out. Does not: logic."""


def main() -> None:
    raise SystemExit("no command yet")
