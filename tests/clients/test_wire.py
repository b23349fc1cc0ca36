#!/usr/bin/python3
"""The Python and Node.js codecs against PROTOCOL.md: its tables, and the bytes it shows."""

import json
import os
import re
import subprocess
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "../../proto/PROTOCOL.md")

import support

wire = support.wire


def read_tables(text):
    """{name: (number, [(key, field, kind)])} as the document has them."""
    numbers = {n: int(i) for i, n in re.findall(r"^\| (\d+) \| ([A-Z]+) \|", text, re.M)}
    sections = re.findall(r"^### ([A-Z]+)\n(.*?)(?=^##)", text, re.M | re.S)
    row = r"^\| (\d+) \| (\w+) \| (\w+) \|"
    fields = {name: re.findall(row, body, re.M) for name, body in sections}
    return {name: (numbers[name], fields[name]) for name in numbers}


def read_steps(text):
    """[(name, {field: text}, header, body)] of the worked exchange."""
    text = text[text.index("## A worked exchange") :]
    pattern = r"^\d+\. .*?: `(\w+) ?(.*?) body=\d+`\n\n    header (.*?)\n    body   (.*?)$"
    steps = []
    for name, said, header, body in re.findall(pattern, text, re.M | re.S):
        fields = dict(pair.split("=") for pair in said.split())
        body = b"" if body == "(empty)" else bytes.fromhex(body)
        steps.append((name, fields, bytes.fromhex(header), body))
    return steps


def value_of(kind, text):
    if kind == "U64":
        return int(text)
    if kind == "BOOL":
        return text == "true"
    return uuid.UUID(text) if kind == "UUID" else text


class PythonAgrees(unittest.TestCase):
    def setUp(self):
        with open(DOCUMENT) as file:
            text = file.read()
        self.tables, self.steps = read_tables(text), read_steps(text)

    def test_every_message_has_the_documents_number_fields_and_keys(self):
        self.assertEqual(set(self.tables), set(wire.NUMBERS))
        for name, (number, fields) in self.tables.items():
            with self.subTest(name):
                self.assertEqual(wire.NUMBERS[name], number)
                ours = [(str(key), field) for key, field in enumerate(wire.FIELDS[name], 2)]
                self.assertEqual(ours, [(key, field) for key, field, _ in fields])
                for _, field, kind in fields:
                    self.assertEqual(kind == "UUID", field in wire.UUIDS, field)

    def test_the_worked_exchange_is_whole(self):
        self.assertEqual(
            [step[0] for step in self.steps],
            "HELLO WELCOME SUBMIT ACCEPTED JOB DONE SETTLED RESULT".split(),
        )

    def test_each_step_decodes_to_what_is_said_of_it_and_encodes_to_the_same_bytes(self):
        for name, said, header, body in self.steps:
            with self.subTest(name):
                kinds = {field: kind for _, field, kind in self.tables[name][1]}
                message = wire.Message.decode(header, body)
                self.assertEqual(message.name, name)
                self.assertEqual(
                    message.fields, {f: value_of(kinds[f], text) for f, text in said.items()}
                )
                self.assertEqual(message.encode(), [header, body])

    def test_what_is_no_message_is_refused(self):
        good = self.steps[0][2]
        numbers = wire.msgpack.unpackb(good, strict_map_key=False)
        for bad in (
            b"",
            good[:-1],
            good + b"\0",
            b"\x01",
            wire.msgpack.packb({**numbers, 0: 2}),
            wire.msgpack.packb({**numbers, 1: 63}),
        ):
            with self.subTest(bad.hex()), self.assertRaises(wire.Unreadable):
                wire.Message.decode(bad, b"")

    def test_unknown_keys_are_skipped(self):
        numbers = wire.msgpack.unpackb(self.steps[0][2], strict_map_key=False)
        newer = wire.msgpack.packb({**numbers, 200: [1, {"a": None}]})
        self.assertEqual(wire.Message.decode(newer, b"").fields["actor"], "adder")

    def test_ids_are_of_version_7_and_differ(self):
        ids = {wire.new_id() for _ in range(1000)}
        self.assertEqual(len(ids), 1000)
        self.assertEqual({(i.version, i.variant) for i in ids}, {(7, uuid.RFC_4122)})


NODE = """
import * as wire from './wire.mjs';
const input = JSON.parse(process.argv[1]);
const steps = input.steps.map((hex) => {
  const { name, ...fields } = wire.decode(Buffer.from(hex, 'hex'));
  const again = wire.encode(name, fields).toString('hex');
  return { name, again };
});
const refused = input.bad.map((hex) => {
  try { wire.decode(Buffer.from(hex, 'hex')); return false; } catch { return true; }
});
const wide = [0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 2 ** 53 - 1];
const back = wide.map((seq) => wire.decode(wire.encode('PING', { seq })).seq);
const long = 'é'.repeat(500);
const text = wire.decode(wire.encode('REJECTED', { ref: 1, code: 'x', detail: long })).detail === long;
const newer = wire.decode(Buffer.from(input.newer, 'hex')).actor;
console.log(JSON.stringify({ messages: wire.MESSAGES, steps, refused, wide, back, text, newer }));
"""


class NodeAgrees(PythonAgrees):
    """The same of wire.mjs, which is asked by way of node."""

    @classmethod
    def setUpClass(cls):
        support.need_node()

    def setUp(self):
        super().setUp()
        good = self.steps[0][2]
        numbers = wire.msgpack.unpackb(good, strict_map_key=False)
        newer = wire.msgpack.packb({**numbers, 200: [1, {"a": None, "b": 1.5, "c": -70000}]})
        bad = [b"", good[:-1], good + b"\0", b"\x01", wire.msgpack.packb({**numbers, 0: 2})]
        bad.append(wire.msgpack.packb({**numbers, 1: 63}))
        asked = {"steps": [s[2].hex() for s in self.steps], "newer": newer.hex()}
        asked["bad"] = [b.hex() for b in bad]
        run = subprocess.run(
            ["node", "--input-type=module", "-e", NODE, json.dumps(asked)],
            cwd=HERE, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(run.returncode, 0, run.stderr)
        self.node = json.loads(run.stdout)

    def test_every_message_has_the_documents_number_fields_and_keys(self):
        theirs = {n: (m["number"], m["fields"]) for n, m in self.node["messages"].items()}
        ours = {n: (i, [f for _, f, _ in fields]) for n, (i, fields) in self.tables.items()}
        self.assertEqual(theirs, ours)

    def test_each_step_decodes_to_what_is_said_of_it_and_encodes_to_the_same_bytes(self):
        for (name, _, header, _), step in zip(self.steps, self.node["steps"], strict=True):
            self.assertEqual(step, {"name": name, "again": header.hex()})

    def test_what_is_no_message_is_refused(self):
        self.assertEqual(self.node["refused"], [True] * 6)

    def test_unknown_keys_are_skipped(self):
        self.assertEqual(self.node["newer"], "adder")

    def test_numbers_and_texts_of_every_width_come_back(self):
        self.assertEqual(self.node["back"], self.node["wide"])
        self.assertTrue(self.node["text"])


if __name__ == "__main__":
    support.main()
