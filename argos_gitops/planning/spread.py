"""Who of several replicas works on which target: evenly, and with as few moves as that takes."""

from collections.abc import Collection, Iterator, Mapping


def spread(wishes: Mapping[str, Collection[str]], holders: Mapping[str, str]) -> dict[str, str]:
    """The replica for each target. `wishes` are the targets that each live replica may work on.

    `holders` says who works on what now: whoever may stay stays, unless it has two more than another
    that may take one of them. Equal arguments give equal answers, so that all replicas agree.
    """
    shares: dict[str, set[str]] = {replica: set() for replica in sorted(wishes)}
    for target, replica in holders.items():
        if target in wishes.get(replica, ()):
            shares[replica].add(target)
    _hand_out(shares, wishes)
    while (move := next(_moves(shares, wishes), None)) is not None:
        target, giver, taker = move
        shares[giver].remove(target)
        shares[taker].add(target)
    return {target: replica for replica, share in shares.items() for target in share}


def _hand_out(shares: dict[str, set[str]], wishes: Mapping[str, Collection[str]]) -> None:
    """Gives what nobody has to whoever has least; first what few may take."""
    taken = {target for share in shares.values() for target in share}
    able: dict[str, list[str]] = {}
    for replica in shares:
        for target in set(wishes[replica]) - taken:
            able.setdefault(target, []).append(replica)
    for target in sorted(able, key=lambda target: (len(able[target]), target)):
        shares[min(able[target], key=lambda replica: len(shares[replica]))].add(target)


def _moves(
    shares: Mapping[str, Collection[str]], wishes: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str, str]]:
    """Moves (target, giver, taker) that even things out, the greatest difference first."""
    by_size = sorted(shares, key=lambda replica: len(shares[replica]))
    for giver in reversed(by_size):
        for taker in by_size:
            if len(shares[giver]) - len(shares[taker]) < 2:
                break
            for target in sorted(set(shares[giver]) & set(wishes[taker])):
                yield target, giver, taker
