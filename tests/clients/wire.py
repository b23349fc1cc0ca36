"""Tunemill's protocol for Python: messages, batches, and one link to one broker.

Written from proto/PROTOCOL.md alone. Needs pyzmq and msgpack (Debian: python3-zmq,
python3-msgpack). producer.py and worker.py build on it.
"""

import os
import socket
import threading
import time
import uuid
from collections import deque

import msgpack
import zmq

VERSION = 1
BATCH_PAIRS = 256
BATCH_BYTES = 256 * 1024
BODY_MAX = 16 << 20
PING_S, SILENCE_S = 1.0, 3.0  # until WELCOME says otherwise
TICK_S = 0.05
READ_AT_ONCE = 100  # messages of one broker before the others' turn

# number, name, fields; the fields' keys count from 2
_TABLE = """
 1 SUBMIT    ref job queue workspace key scope request_hash priority delay_ms max_attempts
             timeout_ms traceparent watch expires_ms parent;
 2 ACCEPTED  ref job duplicate;
 3 REJECTED  ref code detail retry_after_ms;
 4 STATUS    ref job;
 5 CANCEL    ref job attempt;
 6 STATE     ref job state attempt code detail;
 7 SUBSCRIBE ref job;
 8 RESULT    job state code detail;
 9 PUT       ref sha256 size offset query;
10 STORED    ref complete;
15 HELLO     actor worker queues credit software exclusive services calls;
16 HOLDING   job attempt;
17 WELCOME   broker ping_ms lease_ms;
18 JOB       job attempt queue workspace timeout_ms traceparent join;
19 DONE      job attempt settled followers join;
20 FAIL      job attempt code detail retryable rejected settled;
21 SETTLED   job attempt;
22 DROP      job attempt code;
23 PROGRESS  job attempt done total stopped;
24 CREDIT    credit;
25 BYE       leaving_in_ms;
30 CALL      ref service deadline_ms workspace traceparent;
31 RETURN    ref;
32 ERROR     ref code detail retryable;
50 PING      seq;
51 PONG      seq broker;
52 METRICS   actor instance seq watch last
"""
_ROWS = [row.split() for row in _TABLE.split(";")]
NUMBERS = {row[1]: int(row[0]) for row in _ROWS}
NAMES = {number: name for name, number in NUMBERS.items()}
FIELDS = {row[1]: row[2:] for row in _ROWS}
UUIDS = {"job", "workspace", "worker", "broker", "parent"}


class Unreadable(Exception):
    """A header is not what the protocol says."""


class Message:
    """One message: Message("PING", seq=1). An absent field reads as None."""

    def __init__(self, name, body=b"", **fields):
        self.name, self.body, self.fields = name, body, fields

    def __getattr__(self, field):
        return self.fields.get(field)

    def __repr__(self):
        said = "".join(f" {key}={value}" for key, value in self.fields.items())
        return f"{self.name}{said} body={len(self.body)}"

    def encode(self):
        header = {0: VERSION, 1: NUMBERS[self.name]}
        for key, field in enumerate(FIELDS[self.name], 2):
            value = self.fields.get(field)
            if value is not None:
                header[key] = value.bytes if isinstance(value, uuid.UUID) else value
        return [msgpack.packb(header), self.body]

    @classmethod
    def decode(cls, header, body):
        try:
            values = msgpack.unpackb(header, strict_map_key=False)
            if values[0] != VERSION:
                raise Unreadable(f"version {values[0]}")
            name = NAMES[values[1]]
            fields = {
                field: uuid.UUID(bytes=values[key]) if field in UUIDS else values[key]
                for key, field in enumerate(FIELDS[name], 2)
                if key in values
            }
        except (ValueError, KeyError, TypeError, msgpack.UnpackException) as error:
            raise Unreadable(repr(error)) from error
        return cls(name, body, **fields)


def new_id():
    """A UUID of version 7: its first 48 bits are the time in milliseconds."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def batches(messages):
    """The frames of each ZeroMQ message that together carry `messages`."""
    frames, size = [], 0
    for message in messages:
        if len(frames) >= 2 * BATCH_PAIRS or size >= BATCH_BYTES:
            yield frames
            frames, size = [], 0
        pair = message.encode()
        frames += pair
        size += len(pair[0]) + len(pair[1])
    if frames:
        yield frames


class Link:
    """A DEALER to one broker, its pings, and whether the broker is there."""

    def __init__(self, context, endpoint):
        self.alive = False
        self.broker = None
        self.ping_s, self.silence_s = PING_S, SILENCE_S
        self.heard_at = self.pinged_at = -1e9
        self.seq = 0
        self.socket = context.socket(zmq.DEALER)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.SNDHWM, 1000),
            (zmq.RCVHWM, 10000),
            (zmq.RECONNECT_IVL, 50),
            (zmq.RECONNECT_IVL_MAX, 1000),
            (zmq.HANDSHAKE_IVL, 5000),
            (zmq.HEARTBEAT_IVL, 2000),
            (zmq.HEARTBEAT_TIMEOUT, 6000),
            (zmq.MAXMSGSIZE, BODY_MAX),
        ):
            self.socket.setsockopt(option, value)
        self.socket.connect(endpoint)

    def send(self, *messages):
        """Sends, or loses what the socket does not take: it is said again in time."""
        for frames in batches(messages):
            try:
                self.socket.send_multipart(frames, zmq.NOBLOCK)
            except zmq.Again:
                return False
        return True

    def receive(self):
        """What waits here; after a pair that cannot be read its batch ends."""
        for _ in range(READ_AT_ONCE):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                for header, body in zip(frames[0::2], frames[1::2]):
                    yield Message.decode(header, body)
            except Unreadable:
                continue

    def hear(self, message, now):
        """Notes a word of the broker; True if the broker is new."""
        is_new = not self.alive or now - self.heard_at >= self.silence_s
        named = message.broker if message.name in ("PONG", "WELCOME") else None
        if named and named != self.broker:
            is_new = is_new or self.broker is not None
            self.broker = named
        self.alive, self.heard_at = True, now
        if message.name == "PING":
            self.send(Message("PONG", seq=message.seq))
        return is_new

    def tick(self, now):
        """Pings when it is time: returns (pinged, has just fallen silent)."""
        is_due = now - self.pinged_at >= self.ping_s
        if is_due:
            self.seq += 1
            self.pinged_at = now
            self.send(Message("PING", seq=self.seq))
        is_lost = self.alive and now - self.heard_at >= self.silence_s
        self.alive = self.alive and not is_lost
        return is_due, is_lost


class Peer:
    """A thread that owns the links; producer and worker derive from it.

    The thread calls the on_ methods; other threads ask it for something by call(function, ...).
    """

    def __init__(self, brokers):
        self._context = zmq.Context()
        self.links = [Link(self._context, endpoint) for endpoint in brokers]
        self._calls = deque()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.call(self._stop)
        self._thread.join()

    def call(self, function, *args):
        self._calls.append((function, args))
        try:
            self._wake_out.send(b"!")
        except OSError:
            pass  # full of wake-ups, or the thread has ended

    def on_start(self, now):
        """Before anything was heard."""

    def on_message(self, link, message, is_new, now):
        """A word of a broker, which may be a new one."""

    def on_ping(self, link):
        """A ping has just been sent."""

    def on_lost(self, link, now):
        """A broker has fallen silent."""

    def on_tick(self, now):
        """Every 50 ms."""

    def on_turn(self, now):
        """Whenever something has happened: the time to send what has gathered."""

    def on_stop(self, now):
        """The caller leaves; the thread goes on until may_stop says yes."""

    def may_stop(self, now):
        return True

    def _stop(self):
        self._stopping = True
        self.on_stop(time.monotonic())

    def _run_calls(self):
        try:
            self._wake_in.recv(4096)
        except BlockingIOError:
            pass
        while self._calls:
            function, args = self._calls.popleft()
            function(*args)

    def _tick(self, now):
        for link in self.links:
            pinged, is_lost = link.tick(now)
            if pinged:
                self.on_ping(link)
            if is_lost:
                self.on_lost(link, now)
        self.on_tick(now)

    def _run(self):
        poller = zmq.Poller()
        poller.register(self._wake_in, zmq.POLLIN)
        for link in self.links:
            poller.register(link.socket, zmq.POLLIN)
        self.on_start(time.monotonic())
        next_tick = 0
        while not (self._stopping and self.may_stop(time.monotonic())):
            now = time.monotonic()
            if now >= next_tick:
                self._tick(now)
                next_tick = now + TICK_S
            self.on_turn(now)
            poller.poll(max(0, (next_tick - time.monotonic()) * 1000))
            for link in self.links:
                for message in link.receive():
                    now = time.monotonic()
                    self.on_message(link, message, link.hear(message, now), now)
            self._run_calls()
        self._context.destroy(linger=200)  # the last word is still sent
        self._wake_in.close()
        self._wake_out.close()
