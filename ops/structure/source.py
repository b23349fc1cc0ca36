"""A C file: what it includes, defines and calls; and the tree of them."""

import bisect
import collections
import os
import pathlib
import re

TOPS = ["proto", "actors", "broker", "migrations", "ops", "tests"]
CODE = {".c", ".h", ".def", ".sql", ".py", ".js", ".mjs", ".css", ".html", ".cmake", ".sh"}
C = {".c", ".h", ".def"}
NOT_OURS = {"node_modules", "__pycache__", "artifacts", "build"}  # made or fetched
DATA = {"tests/data", "tests/fuzz/corpus"}
COMMENT_OR_STRING = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)
MACRO = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)\([^)]*\)(.*)", re.DOTALL)
NESTED = r"(?:[^;{}()]++|\((?:[^;{}()]++|\((?:[^;{}()]++|\([^;{}()]*+\))*+\))*+\))*+"
ATTRIBUTE = re.compile(rf"__attribute__\(({NESTED})\)")
# our format has the name at the beginning of its line, but for what stands behind an attribute
FUNCTION = re.compile(
    rf"^(?:[A-Za-z_][\w \t*]*[ \t*])?(\w+)\(({NESTED})\)[^;{{}}()]*\n\{{(.*?)^\}}", re.MULTILINE | re.DOTALL)
EXCUSED = re.compile(r"NOLINT(NEXTLINE)?\((\*|readability-function)-size\): \w")  # with the reason
CALL = re.compile(r"(?<![\w.>#])([A-Za-z_]\w*)[ \t\n]*\(")
OWNED = re.compile(r"\btm_auto\((\w+)\)")  # its end is a call of the type's destructor

Function = collections.namedtuple("Function", "name line last parameters is_static is_excused calls")


def is_below(path, folder):
    return path == folder or path.startswith(folder + "/")


def blank(match):
    """A comment or a string as white space, so that lines and offsets stay."""
    text = match.group()
    return "\n" * text.count("\n") if "\n" in text else '""' if text[0] == '"' else " "


def calls_in(text):
    names = [(match.group(1), match.start()) for match in CALL.finditer(text)]
    return names + [(match.group(1) + "_destroy", match.start()) for match in OWNED.finditer(text)]


def count_parameters(text):
    depth, count = 0, 0 if text.strip() in ("", "void") else 1
    for char in text:
        depth += (char in "([") - (char in ")]")
        count += char == "," and depth == 0
    return count


class Source:
    """A C file: what it includes, defines and calls."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.split("\n")
        folder, name = os.path.split(path)
        self.room = folder
        self.module = path[:-2] if path.endswith((".c", ".h")) else path
        self.is_test = path.startswith("tests/")
        self.is_inner = name.endswith("_inner.h")
        self.includes, self.lost = [], []  # (line, path): those in the tree, those that were not found there
        self.functions, self.macros, self.declared = [], {}, set()
        self.macro_calls = []  # (name, line) of macros of a .c file
        if not path.endswith(".def"):
            self.read_code()

    def read_code(self):
        code = COMMENT_OR_STRING.sub(blank, self.text)
        ends = [match.start() for match in re.finditer("\n", code)]
        self.line_of = lambda offset: bisect.bisect_left(ends, offset) + 1
        for match in DIRECTIVE.finditer(code):
            macro = MACRO.match(match.group())
            if macro:
                self.take_macro(macro, match.start())
        for unread in (DIRECTIVE, ATTRIBUTE):
            code = unread.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), code)
        outside, at = [], 0
        for match in FUNCTION.finditer(code):
            before = code[at : match.start()]
            outside.append(before)
            at = match.end()
            self.functions.append(self.take_function(match, before))
        outside.append(code[at:])
        if self.path.endswith(".h"):
            self.declared = set(CALL.findall("".join(outside)))

    def take_macro(self, macro, offset):
        calls = calls_in(macro.group(2))
        if self.path.endswith(".c"):
            self.macro_calls += [(name, self.line_of(offset + macro.start(2) + at)) for name, at in calls]
        else:
            self.macros[macro.group(1)] = [name for name, _ in calls]

    def take_function(self, match, before):
        head = re.split(r"[;}]|\n\n", before)[-1] + match.group()[: match.start(1) - match.start()]
        line = self.line_of(match.start(1))
        calls = [(name, self.line_of(match.start(3) + at)) for name, at in calls_in(match.group(3))]
        name = match.group(1)
        if name.isupper():  # START_TEST(name)
            name = match.group(2).strip() or name
        return Function(
            name, line, self.line_of(match.end() - 1), count_parameters(match.group(2)),
            re.search(r"\bstatic\b", head) is not None,
            EXCUSED.search("\n".join(self.lines[line - 2 : line])) is not None, calls)


class Tree:
    """What stands below a root: C files, the lengths of all code, folders."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.sources, self.lengths = {}, {}
        self.folders = collections.Counter()
        for top in TOPS:
            for folder, inside, names in os.walk(self.root / top):
                here = os.path.relpath(folder, self.root)
                inside[:] = sorted(name for name in inside if name not in NOT_OURS and f"{here}/{name}" not in DATA)
                for name in sorted(names):
                    self.take(here, name)
        for source in self.sources.values():
            self.resolve(source)

    def take(self, folder, name):
        suffix = os.path.splitext(name)[1]
        file = self.root / folder / name
        if suffix not in CODE and (suffix or not file.is_file() or file.read_bytes()[:2] != b"#!"):
            return
        text = file.read_text(encoding="utf-8", errors="replace")
        self.folders[folder] += 1
        path = f"{folder}/{name}"
        if suffix in C:
            self.sources[path] = Source(path, text)
        if suffix != ".def":
            self.lengths[path] = text.count("\n")

    def resolve(self, source):
        for match in INCLUDE.finditer(source.text):
            line, name = source.text.count("\n", 0, match.start()) + 1, match.group(1)
            paths = [os.path.normpath(f"{source.room}/{name}"), os.path.normpath(name)]
            path = next((path for path in paths if path in self.sources), None)
            if path:
                source.includes.append((line, path))
            else:
                source.lost.append((line, name))
