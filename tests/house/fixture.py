"""Small trees on which ops/house is run, each in a folder that goes with its test."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import re
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "ops" / "house"

# a tree in which nothing is wrong, and that has the tables which the rules look for
HEALTHY = {
    "proto/messages.def": "#define TM_MESSAGES(M) \\\n"
    '    M(HELLO, hello, 1, WORKER, "worker -> broker", "here, (1)") \\\n'
    '    M(PING, ping, 2, WORKER | PRODUCER, "any -> any", "are you there?")\n',
    "actors/kit/settings.def": "#define TM_SETTINGS(S) \\\n"
    '    S(database, url, STR, "", 0, 2000, "DATABASE_URL", "where it is", SECRET) \\\n'
    '    S(llm, max_tokens, INT, 700, 16, 100000, NULL, "length of an answer")\n',
}


def load():
    loader = importlib.machinery.SourceFileLoader("house", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("house", loader))
    loader.exec_module(module)
    return module


HOUSE = load()


def function(name, body="", result="void", parameters="void"):
    return f"{result}\n{name}({parameters})\n{{\n{body}}}\n"


def includes(*paths):
    return "".join(f'#include "{path}"\n' for path in paths)


class TreeTest(unittest.TestCase):
    """Each test makes a tree and says what is found in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write(HEALTHY)

    def write(self, files):
        for path, text in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def run_house(self, *arguments):
        """Exit status, lines of stdout, stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = HOUSE.main(["--root", str(self.root), *arguments])
        return status, out.getvalue().splitlines(), err.getvalue()

    def found(self, files, *arguments):
        """What is found when these files are in the tree: (FILE:LINE, RULE, text)."""
        self.write(files)
        status, lines, _ = self.run_house(*arguments)
        self.assertEqual(status, 1 if lines else 0)
        return [re.fullmatch(r"(\S+:\d+): ([\w-]+): (.*)", line).groups() for line in lines]

    def assert_found(self, files, *expected, arguments=()):
        """Exactly these findings, each (FILE:LINE, RULE)."""
        self.assertEqual([finding[:2] for finding in self.found(files, *arguments)], list(expected))
