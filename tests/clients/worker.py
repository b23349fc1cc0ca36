#!/usr/bin/python3
"""A worker in Python, written from proto/PROTOCOL.md alone.

    with Worker(["tcp://127.0.0.1:5570"], "adder", ["sums"], credit=2) as worker:
        for job in worker.jobs():
            job.done(str(eval(job.body)).encode())

A thread of its own talks to the brokers, whatever the jobs do. A job may also be ended by any
other thread.

usage: worker.py BROKER QUEUE [CREDIT [RECORD]]    answers each job with its body in capitals; a
body "fail" fails. RECORD: a file that gets a line for each job, written before it is done.
"""

import argparse
import os
import queue
import signal
import sys
import time

from wire import Message, Peer, new_id

RESEND_S = 2.0
HELLO_AGAIN_S = 1.0
LEAVE_S = 5.0
PING_MIN_S = 0.02


class Job:
    """A leased job. End it once, by done or fail."""

    def __init__(self, worker, link, message):
        self._worker, self.link = worker, link
        self.id, self.attempt, self.body = message.job, message.attempt, message.body
        self.queue, self.workspace = message.queue, message.workspace
        self.timeout_ms, self.traceparent = message.timeout_ms, message.traceparent
        self.is_dropped = False  # its lease is gone: the outcome counts no more
        self.outcome, self.resend_at = None, 0.0

    def done(self, body=b""):
        self._end(Message("DONE", body, job=self.id, attempt=self.attempt))

    def fail(self, detail, code="JOB_FAILED", retryable=True):
        self._end(self.failure(code, detail, retryable))

    def reject(self, detail, code="BAD_REQUEST"):
        """What the job asks for is wrong: it is no dead letter."""
        self._end(self.failure(code, detail, retryable=False, rejected=True))

    def failure(self, code, detail, retryable=True, rejected=None):
        return Message(
            "FAIL", job=self.id, attempt=self.attempt, code=code, detail=detail[:500],
            retryable=retryable, rejected=rejected,
        )  # fmt: skip

    def progress(self, done, total=0, body=b""):
        message = Message(
            "PROGRESS", body, job=self.id, attempt=self.attempt, done=done, total=total
        )
        self._worker.call(self._worker.tell_progress, self, message)

    def _end(self, outcome):
        self._worker.call(self._worker.end, self, outcome)


class Worker(Peer):
    def __init__(self, brokers, actor, queues, credit=1, software="worker.py"):
        super().__init__(brokers)
        self.credit = credit
        self._identity = {
            "actor": actor, "worker": new_id(), "queues": ",".join(queues), "software": software,
        }  # fmt: skip
        self._ready = queue.SimpleQueue()
        self._held = {}  # id: job, from JOB until SETTLED or DROP
        self._in_hand = set()  # jobs that the caller has not ended
        self._is_draining = self._is_leaving = False
        self._leave_at = 0.0
        self._welcome = {}  # link: True, or when HELLO was said
        self._told = {}  # link: credit

    def jobs(self):
        """Each job as it comes, until drain."""
        while (job := self._ready.get()) is not None:
            if job.is_dropped:
                self.call(self.end, job, None)
            else:
                yield job

    def drain(self):
        """Take no more jobs. May be called from a signal handler or any thread."""
        self.call(self._drain)

    # --- the network's thread from here on

    def on_start(self, now):
        for link in self.links:
            self._hello(link, now)

    def _credit_for(self, link):
        if self._is_draining:
            return 0
        return max(0, self.credit - sum(job.link is not link for job in self._in_hand))

    def _hello(self, link, now):
        """HELLO, and HOLDING or the outcome of what is this broker's or whose broker is gone."""
        self._welcome[link], self._told[link] = now, self._credit_for(link)
        words = [Message("HELLO", credit=self._told[link], **self._identity)]
        for job in self._held.values():
            if job.link is not link and job.link.alive:
                continue
            job.link = link
            job.resend_at = now + RESEND_S
            words.append(job.outcome or Message("HOLDING", job=job.id, attempt=job.attempt))
        if self._is_draining:
            words.append(Message("BYE"))
        link.send(*words)

    def _tell_credit(self, link):
        self._told[link] = self._credit_for(link)
        link.send(Message("CREDIT", credit=self._told[link]))

    def _tell_credits(self):
        for link in self.links:
            if self._welcome.get(link) is True and self._told[link] != self._credit_for(link):
                self._tell_credit(link)

    def on_ping(self, link):
        if self._welcome.get(link) is True:
            self._tell_credit(link)

    def on_lost(self, link, now):
        self._welcome[link] = now
        for other in self.links:
            if other.alive:
                self._hello(other, now)
                return

    def on_message(self, link, message, is_new, now):
        if is_new and message.name != "WELCOME":
            self._hello(link, now)
        handler = getattr(self, "_on_" + message.name.lower(), None)
        if handler:
            handler(link, message)

    def _on_welcome(self, link, message):
        self._welcome[link] = True
        link.ping_s = max(message.ping_ms / 1000, PING_MIN_S)
        link.silence_s = max(message.lease_ms / 2000, 1.5 * link.ping_s)
        self._tell_credits()

    def _on_rejected(self, link, message):
        if message.code == "NOT_FOUND" and self._welcome.get(link) is True:
            self._welcome[link] = 0.0  # HELLO with the next tick
        elif message.code in ("BAD_MESSAGE", "BAD_VERSION"):
            print(f"worker: the broker could not read us: {message.detail}", file=sys.stderr)

    def _on_job(self, link, message):
        known = self._held.get(message.job)
        if known and known.attempt >= message.attempt:
            return
        if known:
            self._drop(known)
        job = self._held[message.job] = Job(self, link, message)
        if self._is_draining:
            self._say(job, job.failure("DRAINING", "the worker is shutting down"))
        elif len(self._in_hand) >= self.credit:
            self._say(job, job.failure("BUSY", "the worker has no room"))
        else:
            self._in_hand.add(job)
            self._ready.put(job)
            self._tell_credits()

    def _on_settled(self, link, message):
        job = self._held.get(message.job)
        if job and job.outcome and job.attempt == message.attempt:
            del self._held[job.id]

    def _on_drop(self, link, message):
        job = self._held.get(message.job)
        if job and job.attempt == message.attempt:
            self._drop(job)

    def _drop(self, job):
        del self._held[job.id]
        job.is_dropped = True

    def _say(self, job, outcome):
        """DONE or FAIL; by the job's broker, or another if that one is gone."""
        job.outcome, job.resend_at = outcome, time.monotonic() + RESEND_S
        link = next((a for a in [job.link, *self.links] if a.alive), None)
        if link:
            link.send(outcome)

    def end(self, job, outcome):
        self._in_hand.discard(job)
        if not job.is_dropped and not job.outcome:
            self._say(job, outcome)
        self._tell_credits()

    def tell_progress(self, job, message):
        if job.link.alive and not job.is_dropped:
            job.link.send(message)

    def on_tick(self, now):
        for link in self.links:
            said = self._welcome.get(link)
            if link.alive and said is not True and now - said >= HELLO_AGAIN_S:
                self._hello(link, now)
        for job in list(self._held.values()):
            if job.outcome and now >= job.resend_at:
                self._say(job, job.outcome)

    def _drain(self):
        if not self._is_draining:
            self._is_draining = True
            for link in self.links:
                link.send(Message("BYE"))
            self._ready.put(None)

    def on_stop(self, now):
        self._drain()
        self._leave_at = now + LEAVE_S
        for job in list(self._held.values()):
            if not job.outcome:
                self._say(job, job.failure("DRAINING", "the worker is shutting down"))

    def may_stop(self, now):
        is_heard = any(link.alive for link in self.links)
        return not self._held or not is_heard or now >= self._leave_at


def work(job, record):
    if record is not None:
        os.write(record, f"{job.body.decode()} {job.id} {job.attempt}\n".encode())
    if job.body == b"fail":
        job.fail("the body says so", retryable=False)
    elif job.body == b"reject":
        job.reject("the body is wrong")
    else:
        job.done(job.body.upper())


def main():
    parser = argparse.ArgumentParser(description="answers each job with its body in capitals")
    parser.add_argument("broker", help="endpoints, separated by commas")
    parser.add_argument("queue")
    parser.add_argument("credit", type=int, nargs="?", default=1)
    parser.add_argument("record", nargs="?", help="a file that gets a line for each job")
    args = parser.parse_args()
    record = None
    if args.record:
        record = os.open(args.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    with Worker(args.broker.split(","), "upper", [args.queue], args.credit) as worker:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.drain())
        for job in worker.jobs():
            work(job, record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
