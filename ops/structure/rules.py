"""The rules, each a generator of findings."""

import re

from structure.graph import Finding, call_graphs, defined_functions, include_graphs
from structure.source import TOPS, is_below

# (floor, what it may include beside itself); the first that fits counts
FLOORS = [
    ("proto", []),
    ("actors/kit/fields", ["proto"]),  # pure: the engine reads its strategies by it
    ("actors/kit", ["proto"]),
    ("actors/tune/engine", ["proto", "actors/kit/fields"]),  # pure: no input or output of its own
    ("actors/tune/data", ["proto", "actors/kit/fields", "actors/tune/engine"]),  # pure as the engine is
    ("actors", ["proto", "actors"]),  # the rule "actor" says which
    ("broker", ["proto", "actors/kit"]),
    ("migrations", ["proto", "actors/kit"]),
    ("ops", ["proto", "actors", "broker", "migrations"]),
    ("tests", TOPS),
]
# beside these only names that begin with a dot
TOP_LEVEL = set(TOPS) | {"CMakeLists.txt", "CMakePresets.json", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md",
                         "build", "config"}
LIMITS = {"function": 60, "parameters": 6, "file": 500, "header": 150, "folder": 50}

SECRET_NAME = re.compile(r"secret|token|passw|passphrase|credential|webhook|(^|_)(dsn|url|api_key|private)($|_)")
SECRET_HELP = re.compile(r"\b(password|secret|credential)", re.IGNORECASE)
NOT_SECRET = {
    "broker.curve_secret": "the name of a file",
    "broker.curve_client": "the name of a file",
}


def floor_of(path):
    return next((floor for floor, _ in FLOORS if is_below(path, floor)), None)


def actor_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "actors" and len(parts) > 2 and parts[1] != "kit" else None


def check_floors(tree):
    for source in tree.sources.values():
        for line, name in source.lost:
            yield Finding(source.path, line, "include", f"there is no {name} beside the file or below the root; name "
                          "it from the root")
        floor = floor_of(source.path)
        allowed = [floor] + dict(FLOORS)[floor]
        for line, name in source.includes:
            if not any(is_below(name, folder) for folder in allowed):
                yield Finding(source.path, line, "floor", f"{floor} stands on {', '.join(allowed[1:]) or 'nothing'} "
                              f"and includes {name}; move what both need down, or ask by a message or a callback")
            elif actor_of(source.path) and actor_of(name) not in (None, actor_of(source.path)):
                yield Finding(source.path, line, "actor", f"the actor {actor_of(source.path)} includes {name} of "
                              f"another; move it to actors/kit, or make it a message")


def check_inner(tree):
    for source in tree.sources.values():
        wrong = re.search(r"_(internal|private|impl|priv)\.h$", source.path)
        if wrong:
            yield Finding(source.path, 1, "inner", f"an inner header is named X_inner.h, not X{wrong.group()}")
        tested = None
        for line, name in source.includes:
            inner = tree.sources[name]
            if not inner.is_inner or inner.room == source.room:
                continue
            if not source.is_test:
                yield Finding(source.path, line, "inner", f"{name} is for {inner.room} alone; include the header "
                              "that it completes, and put there what is missing")
            elif tested not in (None, inner.room):
                yield Finding(source.path, line, "inner", f"a test of {tested} includes {name}; one test file knows "
                              "the inside of one room")
            else:
                tested = inner.room


def check_sizes(tree):
    for path, length in tree.lengths.items():
        kind = "header" if path.endswith(".h") else "file"
        if length > LIMITS[kind]:
            yield Finding(path, 1, "size", f"{length} lines; a {kind} has at most {LIMITS[kind]}: split it by "
                          "responsibility")
    for folder, count in sorted(tree.folders.items()):
        if count > LIMITS["folder"]:
            yield Finding(folder, 1, "size", f"{count} files; a folder has at most {LIMITS['folder']}: make rooms")
    for source in tree.sources.values():
        for function in (function for function in source.functions if not function.is_excused):
            length = function.last - function.line + 1
            if length > LIMITS["function"]:
                yield Finding(source.path, function.line, "size", f"{function.name} has {length} lines, a function "
                              f"at most {LIMITS['function']}: a step of it is a function, or a table is missing")
            if function.parameters > LIMITS["parameters"]:
                yield Finding(source.path, function.line, "size", f"{function.name} takes {function.parameters} "
                              f"parameters, at most {LIMITS['parameters']}: make them a struct")


def rows_of(source, letter):
    """The rows LETTER(...) of a table: (line, arguments)."""
    for match in re.finditer(rf"^[ \t]*{letter}\(", source.text, re.MULTILINE):
        arguments, depth = [""], 1
        for token in re.finditer(r'"(?:\\.|[^"\\])*"|[(),]|[^"(),]+', source.text[match.end() :]):
            depth += (token.group() == "(") - (token.group() == ")")
            if depth == 0:
                break
            if token.group() == "," and depth == 1:
                arguments.append("")
            else:
                arguments[-1] += token.group()
        line = source.text.count("\n", 0, match.end()) + 1
        yield line, [re.sub(r"\\\n", " ", argument).strip() for argument in arguments]


def table(tree, name, top):
    """The table's source; a finding if there is none, for then its rule would look at nothing."""
    found = [source for path, source in tree.sources.items() if is_below(path, top) and path.endswith("/" + name)]
    missing = Finding(f"{top}/{name}", 1, "table", f"there is no {name} below {top}; tell ops/house where it is")
    return found, [] if found else [missing]


def check_roles(tree):
    found, missing = table(tree, "messages.def", "proto")
    yield from missing
    for source in found:
        for line, arguments in rows_of(source, "M"):
            words = [argument for argument in arguments[2:] if re.fullmatch(r"\(?[A-Za-z_][\w |]*\)?", argument)]
            if not words:
                yield Finding(source.path, line, "role", f"{arguments[0]} names no role that may say it; add it to "
                              "the row")


def check_secrets(tree):
    found, missing = table(tree, "settings.def", "actors/kit")
    yield from missing
    for source in found:
        for line, arguments in rows_of(source, "S"):
            if len(arguments) < 4 or arguments[2] != "STR":
                continue
            texts = " ".join(argument for argument in arguments if argument.startswith('"'))
            is_flagged = any(re.search(r"\b(TM_|SETTING_)?SECRET\b", argument)
                             for argument in arguments[3:] if not argument.startswith('"'))
            name = f"{arguments[0]}.{arguments[1]}"
            looks = SECRET_NAME.search(arguments[1]) or SECRET_HELP.search(texts)
            if looks and not is_flagged and name not in NOT_SECRET:
                yield Finding(source.path, line, "secret", f'{name} looks secret ("{looks.group()}") and has no flag '
                              "SECRET; add the flag, or the reason to NOT_SECRET in ops/house")


def check_top(tree):
    for path in sorted(tree.root.iterdir()):
        if path.name not in TOP_LEVEL and not path.name.startswith("."):
            yield Finding(path.name, 1, "top", "stands at the top of the tree; put it in the room it belongs to, or "
                          "remove it")


def check(tree):
    defined = defined_functions(tree)
    rooms, modules, headers = include_graphs(tree)
    calling_rooms, calling_modules = call_graphs(tree, defined)
    yield from check_top(tree)
    yield from check_floors(tree)
    yield from check_inner(tree)
    yield from headers.findings("header-circle", "headers")
    for graph in (rooms, calling_rooms):
        yield from graph.findings("room-circle", "rooms")
    for graph in (modules, calling_modules):
        yield from graph.findings("module-circle", "modules")
    yield from check_sizes(tree)
    yield from check_roles(tree)
    yield from check_secrets(tree)
