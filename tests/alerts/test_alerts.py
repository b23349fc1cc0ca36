#!/usr/bin/python3
"""The alerts of a real system, scraped by a real Prometheus: each fault makes its alerts fire, and they go when it
has been put right.

usage: TUNEMILL=... test_alerts.py [Live.TEST]
"""

import os
import shutil
import subprocess
import sys
import unittest

try:
    import world
except ImportError as error:
    print(f"skipped: {error}; ops/setup --test installs it")
    sys.exit(77)

RULES = os.path.join(world.ROOT, "ops", "prometheus", "rules", "rag_core_alerts.yml")
CHECK = os.path.join(world.ROOT, "ops", "prometheus", "check")
ACTORS = ["broker", "events", "explain", "health", "http", "retention", "tune"]
FLOOD = 25
THRESHOLDS = {"BrokerQueueBacklog": ("> 10000", f"> {FLOOD - 5}")}

DIRECTORY = MODEL = SYSTEM = PROMETHEUS = None


def all_report():
    text = SYSTEM.metrics()
    return all(f'tunemill_build_info{{actor="{actor}"' in text for actor in ACTORS)


def setUpModule():
    global DIRECTORY, MODEL, SYSTEM, PROMETHEUS
    DIRECTORY = world.make_directory()
    unittest.addModuleCleanup(world.remove, DIRECTORY)
    MODEL = world.Model()
    MODEL.start()
    unittest.addModuleCleanup(MODEL.kill)
    SYSTEM = world.System(os.environ["TUNEMILL"], DIRECTORY, MODEL)
    unittest.addModuleCleanup(SYSTEM.stop)
    world.until(all_report, f"all of {ACTORS} report")
    PROMETHEUS = world.Prometheus(DIRECTORY, SYSTEM.http, world.hurried(RULES, dict(THRESHOLDS)))
    unittest.addModuleCleanup(PROMETHEUS.stop)
    world.until(lambda: PROMETHEUS.value('up{job="rag-core"}') == 1, "Prometheus scrapes the system")


class Exposition(unittest.TestCase):
    def test_metrics_are_as_prometheus_wants_them(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=SYSTEM.metrics(), text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_metric_of_an_alert_or_a_panel_is_shown(self):
        path = os.path.join(DIRECTORY, "metrics")
        with open(path, "w") as file:
            file.write(SYSTEM.metrics())
        done = subprocess.run([sys.executable, CHECK, path], text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Live(unittest.TestCase):
    def setUp(self):
        """Nothing is wrong before, nor after."""
        self.wait_calm()
        self.addCleanup(self.wait_calm)
        self.addCleanup(SYSTEM.go_on)

    def wait_calm(self):
        world.until(
            lambda: all_report() and not PROMETHEUS.alerts("pending", "firing"),
            "no alert is pending or fires in a system that is well",
        )

    def expect_firing(self, *names, meanwhile=lambda: None):
        seen = set()

        def are_firing():
            meanwhile()
            seen.update(PROMETHEUS.alerts("firing"))
            return set(names) <= PROMETHEUS.alerts("firing")

        world.until(are_firing, f"{names} fire; so far {seen}")

    def expect_gone(self, *names, meanwhile=lambda: None):
        def are_gone():
            meanwhile()
            return not set(names) & PROMETHEUS.alerts("pending", "firing")

        world.until(are_gone, f"{names} are resolved")

    def finished_tune(self):
        tune_id = SYSTEM.submit()
        world.until(lambda: SYSTEM.tune(tune_id)["status"] == "completed", "a tune completes")
        return tune_id

    def test_a_model_that_is_gone_fires_and_resolves(self):
        tune_id = self.finished_tune()
        MODEL.kill()
        self.addCleanup(MODEL.start)
        explain = lambda: SYSTEM.explain(tune_id)
        self.expect_firing("LlmBreakerOpen", "LlmDegraded", meanwhile=explain)
        self.assertTrue(explain()["degraded"])
        MODEL.start()
        self.expect_gone("LlmBreakerOpen", "LlmDegraded", meanwhile=explain)
        self.assertFalse(explain()["degraded"])

    def test_retention_that_stands_still_fires_and_resolves(self):
        SYSTEM.halt("retention")
        self.expect_firing("RetentionProcessMissing")
        SYSTEM.go_on()
        self.expect_gone("RetentionProcessMissing")

    def test_a_flooded_queue_fires_and_resolves(self):
        SYSTEM.halt("tune")
        tunes = [SYSTEM.submit() for _ in range(FLOOD)]
        self.expect_firing("BrokerQueueBacklog")
        SYSTEM.go_on()
        self.expect_gone("BrokerQueueBacklog")
        for tune_id in tunes:
            world.until(lambda: SYSTEM.tune(tune_id)["status"] == "completed", "what was accepted completes")

    def test_a_database_that_is_down_fires_and_resolves(self):
        SYSTEM.drop_database()
        self.expect_firing("DbDown")
        SYSTEM.go_on()
        self.expect_gone("DbDown")
        self.finished_tune()

    def test_no_workers_fire_and_resolve(self):
        SYSTEM.halt("tune", "events", "explain")
        SYSTEM.submit()
        self.expect_firing(
            "WorkersMissing", "WorkersTuneMissing", "WorkersNoneForQueue", "LlmProcessMissing", "SsePublisherMissing"
        )
        SYSTEM.go_on()
        self.expect_gone("WorkersMissing", "WorkersTuneMissing", "WorkersNoneForQueue")


def main():
    missing = [program for program in ("prometheus", "promtool") if not shutil.which(program)]
    if missing:
        print(f"skipped: {' and '.join(missing)} not installed; ops/setup --test installs it")
        return 77
    result = unittest.main(exit=False, verbosity=2).result
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
