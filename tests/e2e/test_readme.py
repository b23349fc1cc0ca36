"""What README.md tells a newcomer to run, on the data that comes with the tree: it finds something."""

import json
import os
import re
import shlex
import subprocess

from system import ROOT, TUNEMILL, environment


def told(beginning):
    """The words of the command of README.md that begins so."""
    with open(os.path.join(ROOT, "README.md")) as file:
        commands = file.read().replace("\\\n", " ").splitlines()
    found = [line for line in commands if line.startswith(beginning)]
    assert len(found) == 1, found
    return shlex.split(found[0])


def assert_finds(tune):
    assert tune["status"] == "completed" and tune["counts"]["completed"] > 0, tune["rejections"]
    assert tune["leaderboard"][0]["params"] == tune["best_params"]


def test_the_commands(tunemill):
    words = told("build/release/tunemill submit")[2:]
    done = subprocess.run(
        [TUNEMILL, "submit", *words, "--json", "--data-dir", tunemill.data],
        cwd=ROOT, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert_finds(json.loads(done.stdout[done.stdout.index("{"):]))
    words = told("build/release/tunemill backtest")[2:]
    done = subprocess.run([TUNEMILL, "backtest", *words, "--json"], cwd=ROOT, env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trades"] > 0


def test_the_request(tunemill, client):
    fields = [word.split("=", 1) for word in told("curl -H 'X-Idempotency-Key") if re.match("[a-z_]+=", word)]
    fields = {name: value for name, value in fields}
    assert fields["file"][0] == "@"
    with open(os.path.join(ROOT, fields["file"][1:]), "rb") as file:
        fields["file"] = ("prices.csv", file.read())
    assert_finds(client.expect("TUNE_SUBMIT", 200, body=list(fields.items())).json)
