"""Who needs whom, and where that goes round in a circle."""

import collections

Finding = collections.namedtuple("Finding", "path line rule text")


class Graph:
    """Who needs whom, and for each pair the first line that says so and how many do."""

    def __init__(self, verb):
        self.verb = verb
        self.edges = collections.defaultdict(dict)

    def add(self, one, other, path, line, what):
        if one == other:
            return
        self.edges.setdefault(other, {})
        seen = self.edges[one].setdefault(other, [0, path, line, what])
        seen[0] += 1

    def tangles(self):
        """The sets of nodes that come back to themselves (Tarjan's strong components), without recursion."""
        order, low, stack, found = {}, {}, [], []
        for root in sorted(self.edges):
            work = [] if root in order else [(root, iter(sorted(self.edges[root])))]
            if work:
                order[root] = low[root] = len(order)
                stack.append(root)
            while work:
                node, rest = work[-1]
                for other in rest:
                    if other not in order:
                        order[other] = low[other] = len(order)
                        stack.append(other)
                        work.append((other, iter(sorted(self.edges[other]))))
                        break
                    if other in stack:
                        low[node] = min(low[node], order[other])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == order[node]:
                        at = stack.index(node)
                        found.append(sorted(stack[at:]))
                        del stack[at:]
        return [tangle for tangle in found if len(tangle) > 1]

    def shortest_circle(self, tangle):
        best = None
        for start in tangle:
            before, queue = {start: None}, collections.deque([start])
            while queue and start not in self.edges[queue[0]]:
                node = queue.popleft()
                for other in sorted(self.edges[node]):
                    if other in tangle and other not in before:
                        before[other] = node
                        queue.append(other)
            way, node = [], queue[0]
            while node is not None:
                way.append(node)
                node = before[node]
            if best is None or len(way) < len(best):
                best = way[::-1]
        return best

    def findings(self, rule, kind):
        for tangle in self.tangles():
            circle = self.shortest_circle(tangle)
            steps = [self.edges[one][other] for one, other in zip(circle, circle[1:] + circle[:1])]
            said = ", ".join(f"{path}:{line} {self.verb} {what}" for _, path, line, what in steps)
            yield Finding(steps[0][1], steps[0][2], rule, f"{len(tangle)} {kind} go round in a circle "
                          f"({' '.join(tangle)}); the shortest: {said}; let what both need be below both, or let "
                          "the lower one be given a function")


def include_graphs(tree):
    """By rooms, by modules, and of headers alone."""
    rooms, modules, headers = Graph("includes"), Graph("includes"), Graph("includes")
    for path, source in tree.sources.items():
        for line, name in source.includes:
            other = tree.sources[name]
            rooms.add(source.room, other.room, path, line, name)
            if not path.endswith(".c"):
                headers.add(path, name, path, line, name)
            if not (source.is_inner and source.module == other.module + "_inner"):
                modules.add(source.module, other.module, path, line, name)
    return rooms, modules, headers


def defined_functions(tree):
    """Of production code: name to the sources that define it for others."""
    defined = collections.defaultdict(list)
    for source in tree.sources.values():
        for function in source.functions:
            if not function.is_static and not source.is_test:
                defined[function.name].append(source)
    return defined


def call_graphs(tree, defined):
    """By rooms and by modules. A name that several programs define (main) is nobody's."""
    rooms, modules, macros = Graph("calls"), Graph("calls"), {}
    for source in tree.sources.values():
        macros.update(source.macros)
    for source in tree.sources.values():
        if source.is_test:
            continue
        own = {function.name for function in source.functions}
        said = source.macro_calls + [call for function in source.functions for call in function.calls]
        for name, line in said:
            for called in [name] + macros.get(name, []):
                if called not in own and len(defined[called]) == 1:
                    other = defined[called][0]
                    rooms.add(source.room, other.room, source.path, line, f"{called} of {other.path}")
                    modules.add(source.module, other.module, source.path, line, f"{called} of {other.path}")
    return rooms, modules


def hubs(tree, defined):
    """Headers that declare functions of other modules than their own: (path, modules), the widest first."""
    found = []
    for path, source in tree.sources.items():
        modules = {other.module for name in source.declared for other in defined.get(name, [])}
        others = sorted(modules - {source.module, source.module.removesuffix("_inner")})
        if others and not source.is_test:
            found.append((path, others))
    return sorted(found, key=lambda hub: (-len(hub[1]), hub[0]))
