"""The ways that CONTRIBUTING.md describes: from file to file, each step of which the code shows."""

import os
import re

from structure.graph import Finding
from structure.source import C

TEXT = "CONTRIBUTING.md"
WAY_FILES = 20
HEADING = re.compile(r"^#+\s+(.*)")
ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d+[.)])\s+(.*)")
QUOTED = re.compile(r"`([^`]+)`")


class Item:
    """A step: the file it opens, and the words that it quotes."""

    def __init__(self, line, text):
        self.line, self.text = line, text
        self.path, self.words = None, []

    def read(self):
        match = re.match(r"`([^`\s]+)`", self.text)
        if match:
            self.path = os.path.normpath(match.group(1))
            self.words = QUOTED.findall(self.text[match.end() :])


def ways_of(text):
    """Each way: its heading's line and words, and its items."""
    ways, items = [], None
    for line, said in enumerate(text.split("\n"), 1):
        heading, item = HEADING.match(said), ITEM.match(said)
        if heading:
            items = None
            if "the way of" in heading.group(1).lower():
                items = []
                ways.append((line, heading.group(1), items))
        elif item and items is not None:
            items.append(Item(line, item.group(1)))
        elif items and said.startswith(" "):
            items[-1].text += " " + said.strip()
    for _, _, items in ways:
        for item in items:
            item.read()
    return ways


def holds(text, word):
    """Also as the enumerator that a table makes of its row's name."""
    return re.search(rf"(?<!\w)(?:STMT_|METRIC_|TM_MSG_)?{re.escape(word)}(?!\w)", text) is not None


def is_c(path):
    return os.path.splitext(path)[1] in (".c", ".h")


def includes(tree, path, other):
    """The module of path includes a header of the module of other, or is the same one."""
    stem, suffix = os.path.splitext(other)
    headers = {other} if suffix == ".def" else {stem + ".h", stem + "_inner.h"}
    module = os.path.splitext(path)[0]
    names = {name for end in C if module + end in tree.sources for _, name in tree.sources[module + end].includes}
    return suffix in C and (module == stem or bool(names & headers))


def linked(tree, one, other):
    """One includes a header of the other: who is told by a callback stands above who tells."""
    return includes(tree, one, other) or includes(tree, other, one)


def shares_word(one, other, texts, heading):
    """A word that one item quotes and both files hold, and which links them."""
    both_c = is_c(one.path) and is_c(other.path)
    for word in one.words + other.words:
        is_name = re.fullmatch(r"[A-Z][A-Z0-9_]*|[a-z0-9]+(_[a-z0-9]+)+", word) or "/" in word or "." in word
        if len(word) < 4 or holds(heading, word) or (both_c and not is_name):
            continue
        if holds(texts[one.path], word) and holds(texts[other.path], word):
            return True
    return False


def check_item(item, texts):
    if item.path is None:
        yield Finding(TEXT, item.line, "way", "an item of a way begins with a file in back quotes")
        return
    if item.path not in texts:
        yield Finding(TEXT, item.line, "way", f"there is no file {item.path}")
        return
    for word in item.words:
        if not holds(texts[item.path], word):
            yield Finding(TEXT, item.line, "way", f"{item.path} does not hold `{word}`; quote what stands in the file")


def check_way(tree, line, heading, items):
    texts = {}
    for item in items:
        file = tree.root / (item.path or "")
        if item.path and file.is_file():
            texts[item.path] = file.read_text(encoding="utf-8", errors="replace")
    for item in items:
        yield from check_item(item, texts)
    if len(items) < 2:
        yield Finding(TEXT, line, "way", f'"{heading}" has no list of files; write one, or another heading')
    count = len({item.path for item in items})
    if count > WAY_FILES:
        yield Finding(TEXT, line, "way", f'"{heading}" opens {count} files, at most {WAY_FILES}')
    for one, other in zip(items, items[1:]):
        if one.path not in texts or other.path not in texts or linked(tree, one.path, other.path):
            continue
        if not shares_word(one, other, texts, heading):
            yield Finding(TEXT, other.line, "way", f"from {one.path} one does not come to {other.path}: neither "
                          "includes a header of the other, and no message, statement, route or function that the items "
                          "quote is in both")


def check(tree):
    file = tree.root / TEXT
    ways = ways_of(file.read_text(encoding="utf-8")) if file.is_file() else []
    if not ways:
        yield Finding(TEXT, 1, "way", 'there is no heading "The way of ..."; describe at least one')
    for line, heading, items in ways:
        yield from check_way(tree, line, heading, items)
