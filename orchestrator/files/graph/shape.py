"""Order in a graph that is to be drawn: what stands above what, what can be left out, what can be put together.

A graph is {node: what it waits for} here, in an order that decides wherever there is a choice, so that the same graph
gives the same picture. Edges between tasks can make a circle of operations that is none of tasks (and damaged files can
make any): of each circle the edge that closes it counts for nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Needs = dict[str, list[str]]


def acyclic(needs: "Needs") -> "Needs":
    """`needs` without the edges that close a circle."""
    found: Needs = {name: [] for name in needs}
    #: 1: on the trail; 2: done.
    seen: dict[str, int] = {}
    for root in needs:
        if root in seen:
            continue
        seen[root] = 1
        trail = [(root, iter(needs[root]))]
        while trail:
            name, left = trail[-1]
            needed = next(left, None)
            if needed is None:
                seen[name] = 2
                trail.pop()
            elif seen.get(needed) != 1:
                found[name].append(needed)
                if needed not in seen:
                    seen[needed] = 1
                    trail.append((needed, iter(needs[needed])))
    return found


def feeds(needs: "Needs") -> "Needs":
    """The same the other way round: {node: what waits for it}."""
    found: Needs = {name: [] for name in needs}
    for name, needed in needs.items():
        for one in needed:
            found[one].append(name)
    return found


def in_order(needs: "Needs") -> "list[str]":
    """Every node behind all that it waits for; `needs` has no circles."""
    after = feeds(needs)
    left = {name: len(needed) for name, needed in needs.items()}
    found = [name for name, count in left.items() if not count]
    for name in found:
        for one in after[name]:
            left[one] -= 1
            if not left[one]:
                found.append(one)
    return found


def layers(needs: "Needs") -> "dict[str, int]":
    """{node: its layer from 1}: one below the lowest of what it waits for."""
    clean = acyclic(needs)
    found: dict[str, int] = {}
    for name in in_order(clean):
        found[name] = max((found[it] + 1 for it in clean[name]), default=1)
    return found


def reduced(needs: "Needs", plain: "set[tuple[str, str]]") -> "Needs":
    """`needs`, which have no circles, without edges that say nothing new.

    An edge (node, what it needs) of `plain` is left out if a way over other plain edges leads there as well.
    """
    number = {name: place for place, name in enumerate(needs)}
    #: {node: all above it over plain edges}, a bit for each.
    above: dict[str, int] = {}
    found: Needs = {}
    for name in in_order(needs):
        direct = [it for it in needs[name] if (name, it) in plain]
        implied = 0
        for it in direct:
            implied |= above[it]
        above[name] = implied
        for it in direct:
            above[name] |= 1 << number[it]
        found[name] = [it for it in needs[name] if (name, it) not in plain or not implied >> number[it] & 1]
    return {name: found[name] for name in needs}


def alike(needs: "Needs", many: int, apart: "Iterable[str]" = ()) -> "list[list[str]]":
    """Groups of at least `many` nodes that wait for the same and are waited for by the same; never those of `apart`."""
    after = feeds(needs)
    alone = frozenset(apart)
    groups: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for name in needs:
        if name not in alone and (needs[name] or after[name]):
            groups.setdefault((frozenset(needs[name]), frozenset(after[name])), []).append(name)
    return [names for names in groups.values() if len(names) >= many]


def junctions(needs: "Needs", many: int) -> "list[tuple[list[str], list[str]]]":
    """[(sources, targets)]: each of the targets, at least `many`, waits for just these sources, at least `many`.

    So many edges are easier to see as one bundle through a point.
    """
    groups: dict[frozenset[str], list[str]] = {}
    for name, needed in needs.items():
        if len(needed) >= many:
            groups.setdefault(frozenset(needed), []).append(name)
    return [(needs[targets[0]], targets) for targets in groups.values() if len(targets) >= many]


def around(needs: "Needs", centre: str, depth: "int | None") -> "frozenset[str]":
    """`centre`, all that it waits for and all that waits for it, over at most `depth` edges."""
    found = {centre}
    for direction in (needs, feeds(needs)):
        edge, steps = [centre], 0
        seen = {centre}
        while edge and (depth is None or steps < depth):
            edge = [it for it in dict.fromkeys(one for name in edge for one in direction[name]) if it not in seen]
            seen.update(edge)
            steps += 1
        found |= seen
    return frozenset(found)
