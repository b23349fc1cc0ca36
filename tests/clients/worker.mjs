// A worker for Node.js, written from proto/PROTOCOL.md alone.
//
//     const worker = new Worker(['tcp://127.0.0.1:5570'], {
//       actor: 'adder', queues: ['sums'], credit: 2,
//       onJob: (job) => job.done(String(eval(job.body.toString()))),
//     });
//     ...
//     await worker.close();
//
// done and fail return a promise that is kept when the outcome is durable. Pings are sent from the
// event loop: a job that blocks it for longer than `lease_ms` belongs into a thread of its own
// (node:worker_threads), or its lease is lost.
//
// usage: node worker.mjs BROKER QUEUE [CREDIT [RECORD]]    answers each job with its body in
// capitals; RECORD gets a line for each job, written before it is done.
import { openSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Link, encode, idText, newId } from './wire.mjs';

const RESEND_MS = 2000;
const HELLO_AGAIN_MS = 1000;
const LEAVE_MS = 5000;
const PING_MIN_MS = 20;

class Job {
  #worker;
  constructor(worker, link, message, body) {
    this.#worker = worker;
    Object.assign(this, { link, body, id: message.job, attempt: message.attempt, queue: message.queue });
    Object.assign(this, { workspace: message.workspace, timeoutMs: message.timeout_ms, isDropped: false });
    this.outcome = null;
  }
  done(body = '') {
    return this.#worker.end(this, encode('DONE', { job: this.id, attempt: this.attempt }), Buffer.from(body));
  }
  fail(detail, { code = 'JOB_FAILED', retryable = true } = {}) {
    return this.#worker.end(this, this.failure(code, detail, retryable));
  }
  // What the job asks for is wrong: it is no dead letter.
  reject(detail, { code = 'BAD_REQUEST' } = {}) {
    return this.#worker.end(this, this.failure(code, detail, false, true));
  }
  failure(code, detail, retryable = true, rejected = undefined) {
    return encode('FAIL', { job: this.id, attempt: this.attempt, code, detail: detail.slice(0, 500), retryable, rejected });
  }
  progress(done, total = 0) {
    if (this.link.alive && !this.isDropped) this.link.say(encode('PROGRESS', { job: this.id, attempt: this.attempt, done, total }));
  }
}

export class Worker {
  #held = new Map(); // id as text: job, from JOB until SETTLED or DROP
  #inHand = new Set(); // jobs that the caller has not ended
  #isDraining = false;

  constructor(brokers, { actor, queues, credit = 1, software = 'worker.mjs', onJob }) {
    Object.assign(this, { credit, onJob });
    this.identity = { actor, worker: newId(), queues: queues.join(','), software };
    this.links = brokers.map((endpoint) => new Link(endpoint, this));
    for (const link of this.links) this.#hello(link);
  }

  // Takes no more jobs.
  drain() {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (const link of this.links) link.say(encode('BYE', {}));
  }

  // Drains, gives back what has not ended, and waits at most 5 s until all is settled.
  async close() {
    this.drain();
    for (const job of this.#held.values()) if (!job.outcome) this.#say(job, job.failure('DRAINING', 'the worker is shutting down'));
    const until = performance.now() + LEAVE_MS;
    while (this.#held.size > 0 && this.links.some((link) => link.alive) && performance.now() < until) {
      await new Promise((more) => { this.onSettled = more; setTimeout(more, 50); });
    }
    await Promise.all(this.links.map((link) => link.close()));
  }

  end(job, outcome, body) {
    const settled = new Promise((resolve) => { job.settle = resolve; });
    this.#inHand.delete(job);
    if (job.isDropped || job.outcome) job.settle(false);
    else this.#say(job, outcome, body);
    this.#tellCredits();
    return settled;
  }

  // DONE or FAIL, by the job's broker or, if that one is gone, another.
  #say(job, outcome, body = Buffer.alloc(0)) {
    Object.assign(job, { outcome, outcomeBody: body, resendAt: performance.now() + RESEND_MS });
    const link = job.link.alive ? job.link : this.links.find((other) => other.alive);
    link?.say(outcome, body);
  }

  // --- what is told to brokers

  #creditFor(link) {
    if (this.#isDraining) return 0;
    if (this.links.length === 1) return this.credit;
    let others = 0;
    for (const job of this.#inHand) others += job.link !== link;
    return Math.max(0, this.credit - others);
  }

  // HELLO, and HOLDING or the outcome of what is this broker's or whose broker is gone.
  #hello(link) {
    const now = performance.now();
    Object.assign(link, { isWelcome: false, helloAt: now, credit: this.#creditFor(link) });
    link.say(encode('HELLO', { ...this.identity, credit: link.credit }));
    for (const job of this.#held.values()) {
      if (job.link !== link && job.link.alive) continue;
      Object.assign(job, { link, resendAt: now + RESEND_MS });
      if (job.outcome) link.say(job.outcome, job.outcomeBody);
      else link.say(encode('HOLDING', { job: job.id, attempt: job.attempt }));
    }
    if (this.#isDraining) link.say(encode('BYE', {}));
  }

  #tellCredit(link) {
    link.credit = this.#creditFor(link);
    link.say(encode('CREDIT', { credit: link.credit }));
  }

  #tellCredits() {
    for (const link of this.links) if (link.isWelcome && link.credit !== this.#creditFor(link)) this.#tellCredit(link);
  }

  onPing(link) { if (link.isWelcome) this.#tellCredit(link); }

  onLost(link) {
    link.isWelcome = false;
    const other = this.links.find((one) => one.alive);
    if (other) this.#hello(other);
  }

  onTick(now) {
    for (const link of this.links) {
      if (link.alive && !link.isWelcome && now - link.helloAt >= HELLO_AGAIN_MS) this.#hello(link);
    }
    for (const job of this.#held.values()) {
      if (job.outcome && now >= job.resendAt) this.#say(job, job.outcome, job.outcomeBody);
    }
  }

  // --- what brokers say

  onMessage(link, message, body, isNew) {
    if (isNew && message.name !== 'WELCOME') this.#hello(link);
    switch (message.name) {
      case 'WELCOME': this.#onWelcome(link, message); break;
      case 'REJECTED': this.#onRejected(link, message); break;
      case 'JOB': this.#onJob(link, message, body); break;
      case 'SETTLED': this.#onSettled(message); break;
      case 'DROP': this.#onDrop(message); break;
      default:
    }
  }

  #onWelcome(link, { ping_ms: pingMs, lease_ms: leaseMs }) {
    link.isWelcome = true;
    link.pingMs = Math.max(pingMs, PING_MIN_MS);
    link.silenceMs = Math.max(leaseMs / 2, 1.5 * link.pingMs);
    this.#tellCredits();
  }

  #onRejected(link, { code, detail }) {
    if (code === 'NOT_FOUND') link.isWelcome = false; // HELLO with the next tick that may
    else if (/^BAD_/.test(code)) console.error(`worker: the broker could not read us: ${detail}`);
  }

  #onJob(link, message, body) {
    const text = idText(message.job);
    const known = this.#held.get(text);
    if (known && known.attempt >= message.attempt) return;
    if (known) this.#drop(text, known);
    const job = new Job(this, link, message, body);
    this.#held.set(text, job);
    if (this.#isDraining) {
      this.#say(job, job.failure('DRAINING', 'the worker is shutting down'));
    } else if (this.#inHand.size >= this.credit) {
      this.#say(job, job.failure('BUSY', 'the worker has no room'));
    } else {
      this.#inHand.add(job);
      this.#tellCredits();
      this.onJob(job);
    }
  }

  #onSettled({ job: id, attempt }) {
    const text = idText(id);
    const job = this.#held.get(text);
    if (!job?.outcome || job.attempt !== attempt) return;
    this.#held.delete(text);
    job.settle?.(true);
    if (this.#held.size === 0) this.onSettled?.();
  }

  #onDrop({ job: id, attempt }) {
    const text = idText(id);
    const job = this.#held.get(text);
    if (job && job.attempt === attempt) this.#drop(text, job);
  }

  #drop(text, job) {
    this.#held.delete(text);
    job.isDropped = true;
    job.settle?.(false);
  }
}

async function main([broker, queue, credit = '1', record]) {
  if (!queue) {
    console.error('usage: node worker.mjs BROKER QUEUE [CREDIT [RECORD]]');
    return 2;
  }
  const file = record && openSync(record, 'a');
  const worker = new Worker(broker.split(','), {
    actor: 'upper', queues: [queue], credit: Number(credit),
    onJob(job) {
      const body = job.body.toString();
      if (file) writeSync(file, `${body} ${idText(job.id)} ${job.attempt}\n`);
      if (body === 'fail') job.fail('the body says so', { retryable: false });
      else if (body === 'reject') job.reject('the body is wrong');
      else job.done(body.toUpperCase());
    },
  });
  await new Promise((stop) => { process.once('SIGTERM', stop); process.once('SIGINT', stop); });
  await worker.close();
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
