#!/usr/bin/python3
"""A producer in Python, written from proto/PROTOCOL.md alone.

    with Producer(["tcp://127.0.0.1:5570"]) as producer:
        answer = producer.submit("sums", b"1 + 2", watch=True).result()
        print(answer.job, answer.end.result().body)

Each call returns a future at once; what is called in one go leaves in one ZeroMQ message. Beyond
`window` unanswered requests a call waits its turn.

usage: producer.py BROKER QUEUE [BODY...]    submits each BODY, or each line of standard input,
and prints how it ended.
"""

import argparse
import sys
import time
import uuid
from collections import deque
from concurrent.futures import Future

from wire import Message, Peer, new_id

RESEND_S = 2.0
PAUSE_S, PAUSE_MAX_S = 0.2, 60.0
ASK_S = 30.0  # a watched job is asked for, in case its RESULT was lost
WINDOW = 4096
NEVER = float("inf")
PASSING = {"BUSY", "STORE_DOWN", "DRAINING"}
OVER = {"done", "dead", "canceled", "rejected"}
ANSWERS = {"ACCEPTED": {"SUBMIT"}, "STATE": {"STATUS", "SUBSCRIBE"}, "STORED": {"PUT"}}
WORKSPACE = uuid.UUID(int=1)


class Rejected(Exception):
    """The broker refused a request: code, detail, and when it may be worth another try."""

    def __init__(self, code, detail="", retry_after_ms=None):
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.retry_after_ms = code, detail, retry_after_ms


class Request:
    """One request; `state` is as in the protocol's table: queued, sent, paused."""

    def __init__(self, message, give_up_at):
        self.message, self.give_up_at = message, give_up_at
        self.future = Future()
        self.state = "queued"
        self.due = 0.0  # when it is queued again
        self.refusal = None  # the last
        self.end = None  # the future RESULT, if the job is watched


class Producer(Peer):
    def __init__(self, brokers, resend_s=RESEND_S, give_up_s=None, window=WINDOW):
        super().__init__(brokers)
        self.resend_s, self.give_up_s, self.window = resend_s, give_up_s, window
        self._current = self.links[0]
        self._requests = {}  # by ref
        self._queued = {}  # those of them to be sent
        self._waiting = deque()  # for room in the window
        self._ref = 0
        self._watched = {}  # job: [future of its RESULT, when to ask]
        self.on_progress = None  # called with each PROGRESS, in the network's thread

    def submit(self, queue, body=b"", workspace=WORKSPACE, watch=False, **fields):
        """The future ACCEPTED; with watch, its `end` is the future RESULT.

        fields: those of SUBMIT (key, request_hash, delay_ms, ...).
        """
        fields.setdefault("job", new_id())
        fields.update(queue=queue, workspace=workspace, watch=watch or None)
        return self._ask(Message("SUBMIT", body, **fields))

    def status(self, job):
        """The future STATE."""
        return self._ask(Message("STATUS", job=job))

    def result(self, job):
        """The future RESULT, or final STATE, of a job."""
        future = Future()
        self.call(self._watch, job, future)
        return future

    def _ask(self, message):
        give_up_at = time.monotonic() + self.give_up_s if self.give_up_s else NEVER
        request = Request(message, give_up_at)
        self.call(self._begin, request)
        return request.future

    # --- the network's thread from here on

    def _begin(self, request):
        if len(self._requests) >= self.window:
            self._waiting.append(request)
            return
        self._ref += 1
        request.message.fields["ref"] = self._ref
        self._requests[self._ref] = request
        self._queue(request)
        if request.message.watch:
            entry = [Future(), NEVER]  # SUBMIT says it
            request.end = self._watched.setdefault(request.message.job, entry)[0]

    def _watch(self, job, future):
        is_new = job not in self._watched
        entry = self._watched.setdefault(job, [Future(), 0.0])
        entry[0].add_done_callback(lambda done: future.set_result(done.result()))
        if is_new:
            self._subscribe([job], time.monotonic())

    def _subscribe(self, jobs, now):
        if self._current.alive:
            for job in jobs:
                self._watched[job][1] = now + ASK_S
            self._current.send(*(Message("SUBSCRIBE", ref=0, job=job) for job in jobs))

    def _queue(self, request):
        request.state = "queued"
        self._queued[request.message.ref] = request

    def on_message(self, link, message, is_new, now):
        if is_new and link is self._current:
            self._tell_again(now)
        handler = getattr(self, "_on_" + message.name.lower(), None)
        if handler:
            handler(message, now)

    def _tell_again(self, now):
        """The broker in place knows nothing of us."""
        for request in self._requests.values():
            if request.state == "sent":
                self._queue(request)
        self._subscribe([job for job, entry in self._watched.items() if entry[1] < NEVER], now)

    def _choose(self, now):
        """The current broker while it is there, else the next that is; None: there is none."""
        start = self.links.index(self._current)
        for link in self.links[start:] + self.links[:start]:
            if link.alive:
                if link is not self._current:
                    self._current = link
                    self._tell_again(now)
                return link
        return None

    def on_tick(self, now):
        for request in list(self._requests.values()):
            if now >= request.give_up_at:
                self._fail(request, request.refusal or Rejected("BROKER_DOWN"))
            elif request.state != "queued" and now >= request.due:
                self._queue(request)
        self._subscribe([job for job, entry in self._watched.items() if entry[1] <= now], now)

    def on_turn(self, now):
        link = self._choose(now)
        if not link or not self._queued:
            return
        for request in self._queued.values():
            request.state, request.due = "sent", now + self.resend_s
        link.send(*(request.message for request in self._queued.values()))
        self._queued.clear()

    def _forget(self, request):
        del self._requests[request.message.ref]
        self._queued.pop(request.message.ref, None)
        if self._waiting:
            self._begin(self._waiting.popleft())

    def _fail(self, request, refusal):
        self._forget(request)
        self._watched.pop(request.message.job, None)
        request.future.set_exception(refusal)

    def _end(self, message):
        request = self._requests.get(message.ref)
        if request and request.message.name in ANSWERS[message.name]:
            self._forget(request)
            message.end = request.end
            request.future.set_result(message)
            return request
        return None

    def _on_accepted(self, message, now):
        request = self._end(message)
        entry = self._watched.get(request.message.job) if request else None
        if entry and request.end:
            entry[1] = now + ASK_S
            if message.job != request.message.job:  # its key was known
                del self._watched[request.message.job]
                self._follow(message.job, entry, now)

    def _follow(self, job, entry, now):
        known = self._watched.setdefault(job, entry)
        if known is not entry:
            known[0].add_done_callback(lambda done: entry[0].set_result(done.result()))
        self._subscribe([job], now)

    def _on_stored(self, message, now):
        self._end(message)

    def _on_state(self, message, now):
        self._end(message)
        if message.state in OVER:
            self._on_result(message, now)

    def _on_result(self, message, now):
        entry = self._watched.pop(message.job, None)
        if entry:
            entry[0].set_result(message)

    def _on_progress(self, message, now):
        if self.on_progress and message.job in self._watched:
            self.on_progress(message)

    def _on_rejected(self, message, now):
        request = self._requests.get(message.ref)
        refusal = Rejected(message.code, message.detail, message.retry_after_ms)
        if not request:
            if not message.ref and message.code in ("BAD_MESSAGE", "BAD_VERSION"):
                print(f"producer: the broker could not read us: {refusal}", file=sys.stderr)
            return
        if message.code not in PASSING:
            self._fail(request, refusal)
            return
        pause_s = PAUSE_S
        if message.retry_after_ms is not None:
            pause_s = min(message.retry_after_ms / 1000, PAUSE_MAX_S)
        self._queued.pop(message.ref, None)
        request.state, request.refusal, request.due = "paused", refusal, now + pause_s
        if message.code == "DRAINING":
            self._leave(now)

    def _leave(self, now):
        """The current broker shuts down: to the next one that is there, if any."""
        for link in self.links:
            if link.alive and link is not self._current:
                self._current = link
                self._tell_again(now)
                return


def main():
    parser = argparse.ArgumentParser(description="submits jobs and prints how they ended")
    parser.add_argument("broker", help="endpoints, separated by commas")
    parser.add_argument("queue")
    parser.add_argument("body", nargs="*", help="of a job each; else lines of standard input")
    args = parser.parse_args()
    refused = 0
    with Producer(args.broker.split(",")) as producer:
        bodies = args.body or (line.rstrip("\n") for line in sys.stdin)
        asked = [producer.submit(args.queue, body.encode(), watch=True) for body in bodies]
        for future in asked:
            try:
                ended = future.result().end.result()
            except Rejected as refusal:
                refused += 1
                print(f"rejected {refusal}")
                continue
            print(ended.job, ended.state, ended.body.decode(errors="replace") or ended.detail)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
