#!/usr/bin/python3
"""The rules of ops/house: for each a tree that breaks it, and one that nearly does.

usage: test_house.py [CLASS[.TEST]]
"""

import subprocess
import unittest

from fixture import PROGRAM, TreeTest, function, includes


class Top(TreeTest):
    def test_a_name_of_no_room_is_found_and_the_known_ones_are_not(self):
        self.assert_found({"README.md": "", ".gitignore": "", "config/tunemill.conf": "", "build/dev/a.c": "",
                           "notes.txt": "", "scripts/a.sh": ""}, ("notes.txt:1", "top"), ("scripts:1", "top"))


class Floors(TreeTest):
    def test_each_floor_stands_on_those_below(self):
        self.assert_found({
            "proto/a.h": "", "actors/kit/b.h": includes("proto/a.h"),
            "broker/c.h": includes("actors/kit/b.h", "proto/a.h"),
            "actors/http/d.h": includes("actors/kit/b.h"), "migrations/e.h": includes("actors/kit/b.h"),
            "ops/cli/f.c": includes("broker/c.h", "actors/http/d.h", "migrations/e.h"),
            "tests/unit/g.c": includes("broker/c.h", "tests/support/h.h"), "tests/support/h.h": "",
        })

    def test_what_is_above_is_not_included(self):
        self.write({"ops/o.h": "", "broker/b.h": "", "actors/kit/k.h": "", "actors/tune/t.h": "", "tests/t.h": "",
                    "migrations/m.h": ""})
        self.assert_found({
            "proto/p.c": includes("actors/kit/k.h"), "actors/kit/k.c": "\n" + includes("actors/tune/t.h"),
            "broker/b.c": includes("actors/tune/t.h"), "actors/http/h.c": includes("broker/b.h", "ops/o.h"),
            "migrations/m.c": includes("broker/b.h"), "ops/o.c": includes("tests/t.h"),
        }, ("actors/http/h.c:1", "floor"), ("actors/http/h.c:2", "floor"), ("actors/kit/k.c:2", "floor"),
            ("broker/b.c:1", "floor"), ("migrations/m.c:1", "floor"), ("ops/o.c:1", "floor"), ("proto/p.c:1", "floor"))

    def test_a_header_beside_the_file_is_the_one_that_is_meant(self):
        self.assert_found({"proto/a.c": includes("log.h"), "proto/log.h": "", "config/log.h": "", "ops/log.h": ""})

    def test_a_header_that_is_nowhere_is_told(self):
        self.write({"proto/codec/encode.h": "", "proto/codec/text.h": ""})
        self.assert_found({"proto/client/a.c": "#include <zmq.h>\n" + includes("../codec/text.h", "codec/encode.h")},
                          ("proto/client/a.c:3", "include"))

    def test_the_engine_is_pure(self):
        self.write({"proto/error.h": "", "actors/kit/log.h": ""})
        self.assert_found({"actors/tune/engine/a.c": includes("proto/error.h", "actors/kit/log.h")},
                          ("actors/tune/engine/a.c:2", "floor"))


class Actors(TreeTest):
    def test_an_actor_does_not_include_another(self):
        self.assert_found({"actors/events/bus.h": "", "actors/http/streams/ring.h": includes("actors/events/bus.h")},
                          ("actors/http/streams/ring.h:1", "actor"))

    def test_the_rooms_of_one_actor_may(self):
        self.assert_found({"actors/http/core/route.h": "", "actors/kit/bus/bus.h": "",
                           "actors/http/tunes/a.c": includes("actors/http/core/route.h"),
                           "actors/http/http.c": includes("actors/kit/bus/bus.h")})


class Inner(TreeTest):
    def test_only_the_room_includes_its_inner_header(self):
        self.write({"broker/queue/lease_inner.h": ""})
        self.assert_found({
            "broker/queue/lease.c": includes("lease_inner.h"),
            "broker/broker.c": includes("broker/queue/lease_inner.h"),
        }, ("broker/broker.c:1", "inner"))

    def test_a_test_knows_the_inside_of_one_room(self):
        self.write({"proto/a_inner.h": "", "proto/b_inner.h": "", "broker/c_inner.h": ""})
        self.assert_found({
            "tests/unit/test_one.c": includes("proto/a_inner.h", "proto/b_inner.h"),
            "tests/unit/test_two.c": includes("proto/a_inner.h", "broker/c_inner.h"),
        }, ("tests/unit/test_two.c:2", "inner"))

    def test_other_words_for_inner_are_refused(self):
        self.assert_found({"broker/a_internal.h": "", "broker/b_private.h": "", "broker/c_inner.h": "",
                           "broker/internals.h": ""},
                          ("broker/a_internal.h:1", "inner"), ("broker/b_private.h:1", "inner"))


class IncludeCircles(TreeTest):
    def test_headers(self):
        # X.h and X_inner.h of one module: no circle of modules, and one of headers all the same
        found = self.found({"broker/a.h": "\n" + includes("broker/a_inner.h"),
                            "broker/a_inner.h": includes("broker/a.h")})
        self.assertEqual([finding[:2] for finding in found], [("broker/a.h:2", "header-circle")])

    def test_modules(self):
        found = self.found({
            "broker/a.h": "", "broker/a.c": includes("broker/b.h"),
            "broker/b.h": "", "broker/b.c": includes("broker/c.h"),
            "broker/c.h": "", "broker/c.c": includes("broker/a.h"), "broker/d.c": includes("broker/a.h"),
        })
        self.assertEqual([finding[:2] for finding in found], [("broker/a.c:1", "module-circle")])
        self.assertIn("3 modules", found[0][2])
        self.assertIn("broker/a.c:1 includes broker/b.h, broker/b.c:1 includes broker/c.h, broker/c.c:1 includes "
                      "broker/a.h;", found[0][2])
        self.assertNotIn("broker/d", found[0][2])

    def test_the_shortest_circle_of_several_is_shown(self):
        found = self.found({
            "broker/a.h": includes("broker/b.h"), "broker/b.h": "", "broker/b.c": includes("broker/c.h", "broker/d.h"),
            "broker/c.h": "", "broker/c.c": includes("broker/a.h"),
            "broker/d.h": "", "broker/d.c": includes("broker/b.h"),
        })
        self.assertEqual([finding[:2] for finding in found], [("broker/b.c:2", "module-circle")])
        self.assertIn("4 modules", found[0][2])
        self.assertIn("broker/b.c:2 includes broker/d.h, broker/d.c:1 includes broker/b.h;", found[0][2])

    def test_two_ways_to_one_module_are_no_circle(self):
        self.assert_found({"broker/a.c": includes("broker/b.h", "broker/c.h"), "broker/b.h": includes("broker/c.h"),
                           "broker/c.h": "", "broker/c.c": includes("broker/c.h")})

    def test_the_struct_of_an_opaque_type_stands_in_its_inner_header(self):
        files = {"proto/worker.h": "", "proto/worker_inner.h": includes("worker.h"), "proto/links.h": "",
                 "proto/links.c": includes("links.h", "worker_inner.h"),
                 "proto/worker.c": includes("links.h", "worker_inner.h")}
        self.assert_found(files)
        self.assert_found({"proto/links.c": includes("worker.h")}, ("proto/links.c:1", "module-circle"))

    def test_a_table_is_below_those_who_read_it(self):
        self.assert_found({"broker/a.def": "", "broker/a.c": includes("broker/b.h"),
                           "broker/b.h": includes("broker/a.def")})

    def test_rooms(self):
        found = self.found({
            "broker/queue/a.h": "", "broker/queue/b.c": includes("broker/store/c.h"), "broker/store/c.h": "",
            "broker/store/d.c": includes("broker/queue/a.h"),
        })
        self.assertEqual([finding[:2] for finding in found], [("broker/queue/b.c:1", "room-circle")])

    def test_a_room_may_use_the_room_in_it(self):
        self.assert_found({"broker/a.h": "", "broker/b.c": includes("broker/queue/c.h"), "broker/queue/c.h": ""})

    def test_tests_are_held_to_it_too(self):
        self.assert_found({"tests/a.h": "", "tests/a.c": includes("tests/b.h"), "tests/b.h": includes("tests/a.h")},
                          ("tests/a.c:1", "module-circle"))


class CallCircles(TreeTest):
    HUB = {"broker/core.h": "void a_do(void);\nvoid b_do(void);\n"}

    def test_behind_one_header(self):
        self.write(self.HUB)
        found = self.found({"broker/a.c": includes("broker/core.h") + function("a_do", "    b_do();\n"),
                            "broker/b.c": includes("broker/core.h")
                            + function("b_do", "    if (x)\n        a_do();\n")})
        self.assertEqual([finding[:2] for finding in found], [("broker/a.c:5", "module-circle")])
        self.assertIn("broker/a.c:5 calls b_do of broker/b.c, broker/b.c:6 calls a_do of broker/a.c;", found[0][2])

    def test_a_pointer_is_no_call(self):
        self.write(self.HUB)
        by_pointer = "    run(self, a_do);\n    self->a_do();\n    self.a_do();\n"
        self.assert_found({"broker/a.c": function("a_do", "    b_do();\n"),
                           "broker/b.c": function("b_do", by_pointer)})

    def test_words_in_comments_and_strings_are_no_calls(self):
        self.assert_found({"broker/a.c": function("a_do", "    b_do();\n"),
                           "broker/b.c": function("b_do", '    /* a_do();\n     a_do() */\n    say("a_do(\\"");\n')})

    def test_a_static_function_of_the_same_name_is_another(self):
        self.assert_found({"broker/a.c": function("a_do", "    b_do();\n"),
                           "broker/b.c": function("a_do", result="static void") + function("b_do", "    a_do();\n")})
        self.assert_found({"broker/a.c": function("a_do", "    b_do();\n", result="static void"),
                           "broker/b.c": function("b_do", "    a_do();\n")})

    def test_a_static_function_behind_a_comment_is_static(self):
        self.assert_found({"broker/a.c": function("a_do", "    b_do();\n", result="static void\n/* theirs */"),
                           "broker/b.c": function("b_do", "    a_do();\n")})

    def test_attributes_and_macros_do_not_hide_a_call(self):
        self.write({"broker/a.h": "#define A(x) \\\n    a_do(x)\n"})
        self.assert_found({
            "broker/a.c": function("a_do", "    b_do();\n", result="__attribute__((format(printf, 1, 2))) void",
                                   parameters="const char *text, ..."),
            "broker/b.c": function("b_do", "    A(1);\n")}, ("broker/a.c:4", "module-circle"))

    def test_a_name_behind_an_attribute_is_found(self):
        head = "void __attribute__((noreturn, format(printf, 1, 2))) a_do(const char *text, ...)"
        self.assert_found({
            "broker/a.c": head + "\n{\n    b_do();\n}\n",
            "broker/b.c": function("b_do", "    a_do();\n")}, ("broker/a.c:3", "module-circle"))

    def test_the_end_of_an_owner_is_a_call_of_its_destructor(self):
        self.assert_found({"broker/a.c": function("a_destroy", "    b_do();\n"),
                           "broker/b.c": function("b_do", "    tm_auto(a) it = NULL;\n")},
                          ("broker/a.c:4", "module-circle"))

    def test_rooms(self):
        found = self.found({
            "broker/queue/a.c": function("a_do", "    c_do();\n"), "broker/queue/b.c": function("b_do"),
            "broker/store/c.c": function("c_do"), "broker/store/d.c": function("d_do", "    b_do();\n"),
        })
        self.assertEqual([finding[:2] for finding in found], [("broker/queue/a.c:4", "room-circle")])

    def test_programs_that_each_have_a_main_do_not_call_each_other(self):
        self.assert_found({"ops/a.c": function("main", "    b_do();\n"), "ops/b.c": function("b_do", "    main();\n"),
                           "ops/c.c": function("main")})


class Sizes(TreeTest):
    def test_functions(self):
        self.assert_found({"broker/a.c": function("a_do", "    x();\n" * 57)})
        self.assert_found({"broker/a.c": "\n" + function("a_do", "    x();\n" * 58)}, ("broker/a.c:3", "size"))

    def test_functions_of_test_suites(self):
        found = self.found({"tests/unit/a.c": "START_TEST(it_is_long)\n{\n" + "    x();\n" * 58 + "}\nEND_TEST\n"})
        self.assertEqual([finding[:2] for finding in found], [("tests/unit/a.c:1", "size")])
        self.assertIn("it_is_long has 61 lines", found[0][2])

    def test_parameters(self):
        six = "int a, int (*b)(int, int), int c, int d, int e, int f"
        self.assert_found({"broker/a.c": function("a_do", parameters=six)})
        self.assert_found({"broker/a.c": function("a_do", parameters=six + ",\n     int g")}, ("broker/a.c:2", "size"))

    def test_what_a_library_imposes_is_excused_with_the_reason(self):
        seven = ", ".join(f"int a{number}" for number in range(7))
        said = "/* NOLINTNEXTLINE(*-size): the library's signature */\n"
        self.assert_found({"broker/a.c": "static void\n" + said + function("a_do", parameters=seven)[5:]})
        self.assert_found({"broker/a.c": "static void\n" + said.replace(": the library's signature", "")
                           + function("a_do", parameters=seven)[5:]}, ("broker/a.c:3", "size"))

    def test_files_and_headers(self):
        self.assert_found({"broker/a.c": "\n" * 500, "broker/a.h": "\n" * 150, "broker/a.def": "\n" * 900,
                           "tests/data/long.py": "\n" * 900, "ops/run": "#!/bin/sh\n" + "\n" * 499})
        self.assert_found({"broker/a.c": "\n" * 501, "broker/a.h": "\n" * 151, "ops/run": "#!/bin/sh\n" + "\n" * 500},
                          ("broker/a.c:1", "size"), ("broker/a.h:1", "size"), ("ops/run:1", "size"))

    def test_folders(self):
        self.write({f"broker/a{number}.c": "" for number in range(50)})
        self.assert_found({"broker/README.md": "", "tests/fuzz/corpus/a.sql": "", "broker/b/c.c": ""})
        self.assert_found({"broker/z.h": ""}, ("broker:1", "size"))


class Roles(TreeTest):
    def test_a_message_without_a_role(self):
        self.assert_found({"proto/messages.def": "#define TM_MESSAGES(M) \\\n"
                           '    M(HELLO, hello, 1, WORKER, "worker -> broker", "here") \\\n'
                           '    M(PING, ping, 2, "any -> any", "are you there, WORKER | PRODUCER?") \\\n'
                           '    M(PONG, pong, 3, "any -> any", "yes", 0)\n'},
                          ("proto/messages.def:3", "role"), ("proto/messages.def:4", "role"))

    def test_the_role_may_come_last_and_the_row_may_go_on(self):
        self.assert_found({"proto/messages.def": "/* M(NAME, name, number) */\n#define TM_MESSAGES(M) \\\n"
                           '    M(HELLO, hello, 1, "worker -> broker", \\\n'
                           '      "here", (ROLE_WORKER | ROLE_PRODUCER))\n'})

    def test_there_is_a_table(self):
        (self.root / "proto/messages.def").unlink()
        self.assert_found({"proto/a.c": ""}, ("proto/messages.def:1", "table"))


class Secrets(TreeTest):
    ROW = '#define TM_SETTINGS(S) \\\n    S(%s, %s, %s, "", 0, 256, NULL, "%s"%s)\n'

    def setting(self, section, name, kind, text, flags=""):
        return {"actors/kit/settings.def": self.ROW % (section, name, kind, text, flags)}

    def test_what_looks_secret_has_the_flag(self):
        for section, name, text in [("http", "admin_token", "what opens it"), ("sentry", "dsn", "the project"),
                                    ("x", "url", "where"), ("x", "proxy_url", "where"), ("x", "api_key", "for it"),
                                    ("x", "slack_webhook", "where"), ("x", "door", "the Password of it")]:
            with self.subTest(name):
                self.assert_found(self.setting(section, name, "STR", text), ("actors/kit/settings.def:2", "secret"))
                self.assert_found(self.setting(section, name, "STR", text, ", SECRET"))
                self.assert_found(self.setting(section, name, "STR", text, ", NEEDS_RESTART | TM_SECRET"))

    def test_the_word_in_the_help_is_no_flag(self):
        self.assert_found(self.setting("x", "admin_token", "STR", "it is SECRET"),
                          ("actors/kit/settings.def:2", "secret"))

    def test_what_only_sounds_like_it_needs_none(self):
        self.assert_found(self.setting("llm", "daily_tokens", "INT", "tokens a day"))
        self.assert_found(self.setting("events", "redis_key", "STR", "the Redis stream"))
        self.assert_found(self.setting("broker", "curve_secret", "STR", "the broker's own secret certificate"))
        self.assert_found(self.setting("http", "curly", "STR", "durations"))

    def test_there_is_a_table(self):
        (self.root / "actors/kit/settings.def").rename(self.root / "actors/kit/options.def")
        self.assert_found({}, ("actors/kit/settings.def:1", "table"))
        self.assert_found(self.setting("x", "y", "STR", "z") | {"actors/kit/runtime/settings.def": ""})


class Program(TreeTest):
    def test_graph_of_rooms_and_of_one_room(self):
        self.write({"broker/a.h": "void a_do(void);\nvoid b_do(void);\n", "broker/a.c": function("a_do"),
                    "broker/b.c": includes("broker/a.h") + function("b_do", "    a_do();\n"),
                    "ops/c.c": includes("broker/a.h") + function("main", "    a_do();\n    b_do();\n")})
        status, lines, _ = self.run_house("--graph")
        self.assertEqual(status, 0)
        self.assertEqual([line.split() for line in lines], [
            "ops -> broker 1 includes 2 calls".split(), "broker: 1 doors: a.h".split(),
            "broker/a.h: declares functions that 1 other modules define: broker/b".split()])
        _, lines, _ = self.run_house("--graph", "broker/")
        self.assertEqual(lines[0].split(), "broker/b -> broker/a 1 includes 1 calls".split())

    def test_sizes(self):
        self.write({"broker/a.c": "\n" * 10, "broker/queue/b.h": "\n" * 5, "tests/c.c": "\n", "broker/d.sql": "\n"})
        status, lines, _ = self.run_house("--sizes")
        sizes = {line.split()[0]: line.split()[1:] for line in lines}
        self.assertEqual(status, 0)
        self.assertEqual(sizes["broker"], ["10", "1"])
        self.assertEqual(sizes["broker/queue"], ["5", "1"])
        self.assertEqual(sizes["broker/"], ["15", "2"])
        self.assertEqual(sizes["total"], ["21", "4"])
        self.assertNotIn("tests", sizes)

    def test_it_is_run_as_a_program(self):
        def run(*arguments):
            return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)

        self.assertIn("--ways", run("--help").stdout)
        self.assertEqual(run("--help").returncode, 0)
        self.assertEqual(run("--root", self.root).returncode, 0)
        self.write({"broker/a.c": includes("ops/b.h"), "ops/b.h": ""})
        broken = run("--root", self.root)
        self.assertEqual(broken.returncode, 1)
        self.assertRegex(broken.stdout, r"^broker/a\.c:1: floor: .*\n$")
        self.assertEqual(broken.stderr, "house: 1 findings: floor 1\n")
        for wrong in (["--no"], ["--root", "/nonexistent"], ["--root", self.root, "--graph", "cellar"],
                      ["--ways", "--sizes"]):
            self.assertEqual(run(*wrong).returncode, 2, wrong)


if __name__ == "__main__":
    unittest.main()
