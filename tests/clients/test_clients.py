#!/usr/bin/python3
"""Clients of three languages against a real broker and a real PostgreSQL.

usage: TUNEMILL=... C_WORKER=... test_clients.py [Python|Node]
"""

import collections
import hashlib
import os
import unittest
import uuid

import support
import zmq
from producer import Producer, Rejected
from wire import Link, Message, new_id

SYSTEM = None
PYTHON = "/usr/bin/python3"
WORKERS = {
    "Python": (PYTHON, "worker.py"),
    "C": (os.environ.get("C_WORKER", "worker"),),
    "Node": ("node", "worker.mjs"),
}
PRODUCERS = {"Python": (PYTHON, "producer.py"), "Node": ("node", "producer.mjs")}


def setUpModule():
    global SYSTEM
    SYSTEM = support.System(os.environ["TUNEMILL"])


def tearDownModule():
    SYSTEM.stop()


class Clients(unittest.TestCase):
    """A queue and a record of its own for each test."""

    def setUp(self):
        self.queue = f"{type(self).__name__}.{self._testMethodName}".lower()[:64]
        self.record = SYSTEM.path(self.queue)

    def start_worker(self, language, credit=8, broker=None):
        worker = support.Program(
            *WORKERS[language], broker or SYSTEM.broker, self.queue, str(credit), self.record
        )
        self.addCleanup(worker.stop)
        return worker

    def start_producer(self, language, bodies=()):
        producer = support.Program(*PRODUCERS[language], SYSTEM.broker, self.queue)
        self.addCleanup(producer.stop)
        producer.write(bodies)
        return producer

    def recorded(self):
        """How often each body was worked on."""
        if not os.path.exists(self.record):
            return collections.Counter()
        with open(self.record) as file:
            return collections.Counter(line.split()[0] for line in file if line.endswith("\n"))

    def expect_once(self, bodies):
        seen = self.recorded()
        with open(self.record) as file:
            doubled = [line for line in file if seen[line.split()[0]] > 1]
        self.assertEqual(doubled, [])
        self.assertEqual(seen, collections.Counter(bodies))

    def expect_results(self, producer, bodies):
        status, lines = producer.finish()
        ends = [line.split(maxsplit=1)[1] for line in lines]
        self.assertEqual(sorted(ends), sorted(f"done {body.upper()}" for body in bodies))
        self.assertEqual(status, 0)

    def pass_jobs(self, producer, worker, count=2000):
        bodies = [f"job-{i}" for i in range(count)]
        self.start_worker(worker)
        self.expect_results(self.start_producer(producer, bodies), bodies)
        self.expect_once(bodies)

    def outlive_brokers(self, producer, worker, count=6000, step=200):
        """kill -9 twice, each time while `step` jobs or more are under way: the worker is
        stopped before they are submitted."""
        bodies = [f"job-{i}" for i in range(count)]
        running = self.start_producer(producer)
        working = self.start_worker(worker, credit=64)
        for first in range(0, count, step):
            support.until(lambda: self.recorded().total() >= first - step, f"{first - step} jobs")
            if first in (count // 5, count // 2):
                with working.paused():
                    running.write(bodies[first : first + step])
                    SYSTEM.kill_broker()
                SYSTEM.wait_broker()
            else:
                running.write(bodies[first : first + step])
        self.expect_results(running, bodies)
        self.expect_once(bodies)

    def outlive_a_cut(self, worker):
        """A worker at rest whose connection breaks says HELLO to the broker again."""
        cable = support.Cable(SYSTEM.path(self.queue + ".sock"), SYSTEM.broker)
        self.start_worker(worker, broker=cable.endpoint)
        self.expect_results(self.start_producer("Python", ["before"]), ["before"])
        connections = cable.connections
        cable.cut()
        support.until(lambda: cable.connections > connections, "the worker's return")
        self.expect_results(self.start_producer("Python", ["after"]), ["after"])
        self.expect_once(["before", "after"])


class Python(Clients):
    def test_python_producer_python_worker(self):
        self.pass_jobs("Python", "Python")

    def test_python_producer_c_worker(self):
        self.pass_jobs("Python", "C")

    def test_nothing_is_lost_or_doubled_when_the_broker_is_killed(self):
        self.outlive_brokers("Python", "Python")

    def test_a_c_worker_loses_and_doubles_nothing_either(self):
        self.outlive_brokers("Python", "C")

    def test_a_python_worker_outlives_a_cut_connection(self):
        self.outlive_a_cut("Python")

    def test_a_c_worker_outlives_a_cut_connection(self):
        self.outlive_a_cut("C")

    def test_a_job_that_fails_for_good_is_dead_and_says_why(self):
        self.start_worker("Python")
        status, lines = self.start_producer("Python", ["fail"]).finish()
        self.assertEqual([x.split(maxsplit=1)[1] for x in lines], ["dead the body says so"])
        self.assertEqual(status, 0)

    def test_a_job_that_asks_for_what_is_wrong_is_rejected_and_says_why(self):
        self.start_worker("Python")
        status, lines = self.start_producer("Python", ["reject"]).finish()
        self.assertEqual([x.split(maxsplit=1)[1] for x in lines], ["rejected the body is wrong"])
        self.assertEqual(status, 0)

    def test_a_killed_workers_job_goes_to_another(self):
        with Producer([SYSTEM.broker]) as producer:
            holder = zmq.Context.instance()
            link = Link(holder, SYSTEM.broker)
            self.addCleanup(link.socket.close)
            link.send(Message("HELLO", actor="x", worker=new_id(), queues=self.queue, credit=1))
            self.read(link, "WELCOME")
            answer = producer.submit(self.queue, b"a", watch=True).result(support.PATIENCE_S)
            first = self.read(link, "JOB")
            self.assertEqual((first.job, first.attempt), (answer.job, 1))
            link.socket.close()  # and never a word again
            self.start_worker("Python")
            self.assertEqual(answer.end.result(support.PATIENCE_S).body, b"A")
        with open(self.record) as file:
            self.assertEqual(file.read(), f"a {answer.job} 2\n")

    def test_one_key_is_one_job(self):
        self.start_worker("Python")
        same, other = (hashlib.sha256(text).digest() for text in (b"same", b"other"))
        with Producer([SYSTEM.broker]) as producer:
            asked = [
                producer.submit(self.queue, b"a", watch=True, key="k", request_hash=same)
                for _ in range(20)
            ]
            answers = [future.result(support.PATIENCE_S) for future in asked]
            self.assertEqual(len({answer.job for answer in answers}), 1)
            self.assertEqual(sum(not answer.duplicate for answer in answers), 1)
            for answer in answers:
                self.assertEqual(answer.end.result(support.PATIENCE_S).body, b"A")
            with self.assertRaises(Rejected) as refused:
                producer.submit(self.queue, b"b", key="k", request_hash=other).result(
                    support.PATIENCE_S
                )
            self.assertEqual(refused.exception.code, "IDEMPOTENCY_KEY_REUSED")
        self.expect_once(["a"])

    def test_one_id_is_one_job(self):
        self.start_worker("Python")
        with Producer([SYSTEM.broker]) as producer:
            job = new_id()
            for _ in range(3):
                answer = producer.submit(self.queue, b"a", job=job).result(support.PATIENCE_S)
                self.assertEqual(answer.job, job)
            self.assertEqual(producer.result(job).result(support.PATIENCE_S).body, b"A")
        self.expect_once(["a"])

    def test_a_wrong_request_is_refused_with_a_reason(self):
        with Producer([SYSTEM.broker]) as producer:
            with self.assertRaises(Rejected) as refused:
                producer.submit("No Such Name").result(support.PATIENCE_S)
            self.assertEqual(refused.exception.code, "BAD_REQUEST")
            self.assertIn("queue", refused.exception.detail)
            status = producer.status(new_id()).result(support.PATIENCE_S)
            self.assertEqual(status.state, "unknown")

    def read(self, link, *names):
        while link.socket.poll(support.PATIENCE_S * 1000):
            for message in link.receive():
                if message.name in names:
                    return message
        raise AssertionError(f"none of {names} came")

    def test_what_cannot_be_read_is_refused_by_name(self):
        link = Link(zmq.Context.instance(), SYSTEM.broker)
        self.addCleanup(link.socket.close)
        good = Message("SUBMIT", ref=7, job=new_id(), queue="q", workspace=uuid.UUID(int=1))
        lacking = Message("SUBMIT", ref=7, job=new_id(), queue="q")
        for frames, code, detail in (
            ([b"\xff", b""], "BAD_MESSAGE", "map"),
            (lacking.encode(), "BAD_MESSAGE", "workspace"),
            ([good.encode()[0].replace(b"\x00\x01", b"\x00\x09", 1), b""], "BAD_VERSION", "version"),
            ([good.encode()[0]], "BAD_MESSAGE", "body"),
        ):
            with self.subTest(code=code, detail=detail):
                link.socket.send_multipart(frames)
                answer = self.read(link, "REJECTED", "ACCEPTED")
                self.assertEqual((answer.name, answer.ref), ("REJECTED", 0))
                self.assertEqual(answer.code, code)
                self.assertIn(detail, answer.detail)
        link.send(Message("CREDIT", credit=1))  # of a worker that has not said HELLO
        self.assertEqual(self.read(link, "REJECTED").code, "NOT_FOUND")


class Node(Clients):
    @classmethod
    def setUpClass(cls):
        support.need_node()

    def test_node_producer_python_worker(self):
        self.pass_jobs("Node", "Python")

    def test_a_job_that_asks_for_what_is_wrong_is_rejected_and_says_why(self):
        self.start_worker("Node")
        status, lines = self.start_producer("Node", ["reject"]).finish()
        self.assertEqual([x.split(maxsplit=1)[1] for x in lines], ["rejected the body is wrong"])
        self.assertEqual(status, 0)

    def test_node_producer_node_worker(self):
        self.pass_jobs("Node", "Node")

    def test_nothing_is_lost_or_doubled_when_the_broker_is_killed(self):
        self.outlive_brokers("Node", "Node")

    def test_a_node_worker_outlives_a_cut_connection(self):
        self.outlive_a_cut("Node")

    def test_calls_of_one_turn_leave_in_one_message(self):
        endpoint = f"ipc://{SYSTEM.path('router.sock')}"
        router = zmq.Context.instance().socket(zmq.ROUTER)
        self.addCleanup(router.close, 0)
        router.bind(endpoint)
        producer = support.Program(
            *PRODUCERS["Node"], endpoint, "q", *(str(number) for number in range(300))
        )
        self.addCleanup(producer.stop)
        pairs = []  # of each message that carries jobs
        while sum(pairs) < 300:
            self.assertTrue(router.poll(support.PATIENCE_S * 1000), "no message came")
            route, *frames = router.recv_multipart()
            read = [Message.decode(*frames[i : i + 2]) for i in range(0, len(frames), 2)]
            if read[0].name == "PING":
                pong = Message("PONG", seq=read[0].seq, broker=uuid.UUID(int=1))
                router.send_multipart([route, *pong.encode()])
            else:
                self.assertEqual({message.name for message in read}, {"SUBMIT"})
                pairs.append(len(read))
        self.assertEqual(pairs, [256, 44])


if __name__ == "__main__":
    support.main()
