#!/usr/bin/python3
"""The ways of CONTRIBUTING.md, as ops/house --ways reads them.

usage: test_ways.py [CLASS[.TEST]]
"""

import unittest

from fixture import TreeTest, includes

TREE = {
    "actors/http/web/new.js": 'post("/backtests/tune", {n_trials})\n',
    "actors/http/tunes/routes.def": 'R(POST, "/backtests/tune", tune_intake_begin)\n',
    "actors/http/tunes/tune_intake.c": includes("actors/http/tunes/tune_fields.h")
    + "tune_intake_begin(n_trials);\nask(STMT_TUNE_SUBMIT, TM_MSG_JOB);\n",
    "actors/http/tunes/tune_fields.h": "n_trials\n",
    "actors/http/tunes/tune_fields.c": includes("actors/http/tunes/tune_fields.h", "actors/http/tunes/statements.def"),
    "actors/http/tunes/statements.def": "S(TUNE_SUBMIT, 1, job_submit($1))\n",
    "migrations/functions/job_submit.sql": "CREATE FUNCTION job_submit(n_trials)\n",
    "broker/wire/relay.c": "send(TM_MSG_JOB, n_trials, tune_intake_begin);\n",
}
WAY = """# Contributing

### The way of `n_trials`

It is written in the form, and counts in the worker.

1. `actors/http/web/new.js` posts it to `/backtests/tune`.
2. `actors/http/tunes/routes.def` gives that to
   `tune_intake_begin`,
3. `actors/http/tunes/tune_intake.c`, which has it checked by
4. `actors/http/tunes/tune_fields.c`, whose statement
5. `actors/http/tunes/statements.def` calls `job_submit` of
6. `migrations/functions/job_submit.sql`.

## Tests

1. anything
"""


class Ways(TreeTest):
    def setUp(self):
        super().setUp()
        self.write(TREE)

    def ways(self, text):
        return self.found({"CONTRIBUTING.md": text}, "--ways")

    def assert_says(self, text, *expected):
        """Exactly these findings, in order: (line, words of the finding)."""
        found = self.ways(text)
        self.assertEqual([finding[0] for finding in found], [f"CONTRIBUTING.md:{line}" for line, _ in expected])
        for (_, rule, said), (_, words) in zip(found, expected):
            self.assertEqual(rule, "way")
            self.assertIn(words, said)

    def test_a_way_that_the_code_goes(self):
        self.assert_says(WAY)

    def test_each_file_is_there(self):
        self.assert_says(WAY.replace("tune_fields.c", "tune_field.c"), (11, "no file actors/http/tunes/tune_field.c"))

    def test_each_item_begins_with_a_file(self):
        self.assert_says(WAY.replace("3. `actors", "3. then `actors"), (10, "begins with a file"))

    def test_what_an_item_quotes_stands_in_its_file(self):
        self.assert_says(WAY.replace("job_submit.sql`", "job_submit.sql`: `job_sub`"),
                         (13, "does not hold `job_sub`"))

    def test_a_file_includes_the_header_of_the_next(self):
        self.write({"actors/http/tunes/tune_intake.c": "tune_intake_begin(n_trials);\n"})
        self.assert_says(WAY, (11, "from actors/http/tunes/tune_intake.c one does not come to actors/http"))
        self.write({"actors/http/tunes/tune_intake.h": includes("actors/http/tunes/tune_fields.h")})
        self.assert_says(WAY)

    def test_without_the_word_that_both_hold_there_is_no_way(self):
        self.assert_says(WAY.replace("calls `job_submit` of", "calls"), (13, "one does not come to migrations"))

    def test_the_subject_itself_is_no_link(self):
        way = "# The way of %s\n- `actors/http/web/new.js` sends `n_trials` to\n- `migrations/functions/job_submit.sql`\n"
        self.assert_says(way % "a number")
        self.assert_says(way % "`n_trials`", (3, "does not come to"))

    def test_a_word_of_three_letters_is_no_link(self):
        way = "### The way of it\n- `broker/a.def` quotes `%s`\n- `broker/b.sql`\n"
        self.write({"broker/a.def": "for four\n", "broker/b.sql": "for four\n"})
        self.assert_says(way % "four")
        self.assert_says(way % "for", (3, "does not come to"))

    def test_between_c_files_a_message_or_a_function_is_a_link(self):
        way = "## The way of a job\n- `actors/http/tunes/tune_intake.c` sends `%s` to\n- `broker/wire/relay.c`\n"
        self.assert_says(way % "TM_MSG_JOB")
        self.assert_says(way % "tune_intake_begin")

    def test_part_of_a_word_is_no_link(self):
        way = "## The way of a job\n- `actors/http/tunes/tune_intake.c` sends `TM_MSG_JOB`\n- `broker/wire/relay.c`\n"
        self.write({"broker/wire/relay.c": "TM_MSG_JOBS, XTM_MSG_JOB\n"})
        self.assert_says(way, (3, "does not come to"))

    def test_a_way_opens_twenty_files_at_most(self):
        self.write({f"broker/a{number}.c": includes(f"a{number + 1}.h") for number in range(21)})
        self.write({f"broker/a{number}.h": "" for number in range(22)})
        items = [f"1. `broker/a{number}.c`\n" for number in range(21)]
        self.assert_says("# The way of all\n" + "".join(items[:20] + items[19:20]))
        self.assert_says("# The way of all\n" + "".join(items), (1, "opens 21 files"))

    def test_a_way_has_a_list_and_the_text_has_a_way(self):
        self.assert_says("# The way of it\n\nis long.\n# Another\n1. `a.c`\n", (1, "has no list"))
        self.assert_says("# Contributing\n1. `a.c`\n", (1, "no heading"))
        (self.root / "CONTRIBUTING.md").unlink()
        self.assert_found({}, ("CONTRIBUTING.md:1", "way"), arguments=["--ways"])


if __name__ == "__main__":
    unittest.main()
