// A producer for Node.js, written from proto/PROTOCOL.md alone.
//
//     const producer = new Producer(['tcp://127.0.0.1:5570']);
//     const { result } = await producer.submit({ queue: 'sums', body: '1 + 2', watch: true });
//     console.log((await result).body.toString());
//     await producer.close();
//
// Calls made in one turn of the event loop leave in one ZeroMQ message. Beyond `window`
// unanswered ones a call waits its turn.
//
// usage: node producer.mjs BROKER QUEUE BODY...     or lines of standard input
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Link, encode, idBytes, idText, newId } from './wire.mjs';

const RESEND_MS = 2000;
const PAUSE_MS = 200, PAUSE_MAX_MS = 60000;
const ASK_MS = 30000; // a watched job is asked for, in case its RESULT was lost
const PASSING = new Set(['BUSY', 'STORE_DOWN', 'DRAINING']);
const OVER = new Set(['done', 'dead', 'canceled', 'rejected']);
const ANSWERS = { ACCEPTED: ['SUBMIT'], STATE: ['STATUS', 'SUBSCRIBE'] };
const WORKSPACE = '00000000-0000-0000-0000-000000000001';

export class Rejected extends Error {
  constructor(code, detail = '', retryAfterMs = undefined) {
    super(`${code}: ${detail}`);
    Object.assign(this, { code, detail, retryAfterMs });
  }
}

export class Producer {
  #requests = new Map(); // by ref
  #queued = new Set();
  #waiting = []; // for room in the window
  #waited = 0; // how many of them have gone
  #watched = new Map(); // by the job's text: { promise, resolve, askAt }
  #ref = 0;

  constructor(brokers, { window = 4096, resendMs = RESEND_MS, giveUpMs = Infinity } = {}) {
    Object.assign(this, { window, resendMs, giveUpMs });
    this.links = brokers.map((endpoint) => new Link(endpoint, this));
    this.current = this.links[0];
  }

  // Resolves when the job is durable, with { job, duplicate } and, if it is watched, the promise
  // of its result; throws Rejected. fields: the other ones of SUBMIT.
  submit({ body = '', job = newId(), workspace = WORKSPACE, watch, ...fields }) {
    const values = { ...fields, job: idBytes(job), workspace: idBytes(workspace) };
    if (watch) values.watch = true;
    return this.#ask('SUBMIT', values, typeof body === 'string' ? Buffer.from(body) : body);
  }

  status(job) { return this.#ask('STATUS', { job: idBytes(job) }); }

  // Resolves with { state, code, detail, body } when the job has ended.
  result(job) {
    const text = typeof job === 'string' ? job : idText(job);
    const known = this.#watched.get(text);
    return (known ?? this.#watch(text, 0)).promise;
  }

  async close() { await Promise.all(this.links.map((link) => link.close())); }

  // --- requests

  #ask(name, values, body) {
    return new Promise((resolve, reject) => {
      const request = { name, values, body, resolve, reject, state: 'queued', due: 0 };
      request.giveUpAt = performance.now() + this.giveUpMs;
      request.ref = values.ref = ++this.#ref;
      request.header = encode(name, values); // what it throws rejects the promise
      if (this.#requests.size < this.window) this.#begin(request);
      else this.#waiting.push(request);
    });
  }

  #begin(request) {
    this.#requests.set(request.ref, request);
    if (request.values.watch) request.watch = this.#watch(idText(request.values.job), Infinity); // SUBMIT says it
    this.#queue(request);
    this.#send();
  }

  #queue(request) {
    request.state = 'queued';
    this.#queued.add(request);
  }

  #send() {
    const link = this.#choose();
    if (!link || this.#queued.size === 0) return;
    const due = performance.now() + this.resendMs;
    for (const request of this.#queued) {
      request.state = 'sent';
      request.due = due;
      link.say(request.header, request.body);
    }
    this.#queued.clear();
  }

  #end(request) {
    this.#requests.delete(request.ref);
    this.#queued.delete(request);
    if (this.#waited === this.#waiting.length) return;
    this.#begin(this.#waiting[this.#waited++]);
    if (this.#waited > 1000) this.#waiting.splice(0, this.#waited), this.#waited = 0;
  }

  #fail(request, refusal) {
    if (request.values.watch) this.#watched.delete(idText(request.values.job));
    request.reject(refusal);
    this.#end(request);
  }

  // --- brokers

  // The current one while it is there, else the next that is.
  #choose() {
    if (this.current.alive) return this.current;
    const next = this.links.find((link) => link.alive);
    if (next) this.#move(next);
    return next;
  }

  #move(link) {
    this.current = link;
    this.#tellAgain();
  }

  #tellAgain() {
    for (const request of this.#requests.values()) if (request.state === 'sent') this.#queue(request);
    for (const [job, watch] of this.#watched) if (watch.askAt < Infinity) this.#subscribe(job);
  }

  onMessage(link, message, body, isNew) {
    if (isNew && link === this.current) this.#tellAgain();
    switch (message.name) {
      case 'ACCEPTED': this.#onAccepted(message); break;
      case 'REJECTED': this.#onRejected(message); break;
      case 'STATE': this.#onState(message, body); break;
      case 'RESULT': this.#onResult(message, body); break;
      default:
    }
    if (this.#queued.size > 0) this.#send();
  }

  onTick(now) {
    for (const request of this.#requests.values()) {
      if (now >= request.giveUpAt) this.#fail(request, request.refusal ?? new Rejected('BROKER_DOWN'));
      else if (request.state !== 'queued' && now >= request.due) this.#queue(request);
    }
    for (const [job, watch] of this.#watched) if (now >= watch.askAt) this.#subscribe(job);
    this.#send();
  }

  // --- answers

  #answered(message) {
    const request = this.#requests.get(message.ref);
    if (!request || !ANSWERS[message.name].includes(request.name)) return null;
    this.#end(request);
    return request;
  }

  #onAccepted(message) {
    const request = this.#answered(message);
    if (!request) return;
    const job = idText(message.job);
    if (request.watch) request.watch.askAt = performance.now() + ASK_MS;
    if (request.watch && !request.values.job.equals(message.job)) this.#follow(idText(request.values.job), job);
    request.resolve({ job, duplicate: message.duplicate ?? false, result: request.watch?.promise });
  }

  #onRejected({ ref, code, detail, retry_after_ms: afterMs }) {
    const request = this.#requests.get(ref);
    const refusal = new Rejected(code, detail, afterMs);
    if (!request) {
      if (ref === 0 && /^BAD_/.test(code)) console.error(`producer: the broker could not read us: ${refusal.message}`);
      return;
    }
    if (!PASSING.has(code)) { this.#fail(request, refusal); return; }
    this.#queued.delete(request);
    Object.assign(request, { state: 'paused', refusal, due: performance.now() + Math.min(afterMs ?? PAUSE_MS, PAUSE_MAX_MS) });
    const next = code === 'DRAINING' && this.links.find((link) => link.alive && link !== this.current);
    if (next) this.#move(next);
  }

  #onState(message, body) {
    this.#answered(message)?.resolve({ ...message, job: idText(message.job), body });
    if (OVER.has(message.state)) this.#onResult(message, body);
  }

  // --- watched jobs

  #watch(job, askAt) {
    const watch = { askAt };
    watch.promise = new Promise((resolve) => { watch.resolve = resolve; });
    this.#watched.set(job, watch);
    return watch;
  }

  #subscribe(job) {
    if (!this.current.alive) return;
    this.#watched.get(job).askAt = performance.now() + ASK_MS;
    this.current.say(encode('SUBSCRIBE', { ref: 0, job: idBytes(job) }));
  }

  // The key was known: the job of the first request is watched instead.
  #follow(from, to) {
    const watch = this.#watched.get(from);
    this.#watched.delete(from);
    if (!watch) return;
    this.#watched.set(to, watch);
    this.#subscribe(to);
  }

  #onResult({ job, state, code, detail }, body) {
    if (this.#watched.size === 0) return;
    const text = idText(job);
    const watch = this.#watched.get(text);
    this.#watched.delete(text);
    watch?.resolve({ job: text, state, code, detail, body });
  }
}

async function main([broker, queue, ...bodies]) {
  if (!queue) {
    console.error('usage: node producer.mjs BROKER QUEUE [BODY...]');
    return 2;
  }
  const producer = new Producer(broker.split(','));
  let failed = 0;
  const run = async (body) => {
    try {
      const { job, result } = await producer.submit({ queue, body, watch: true });
      const ended = await result;
      console.log(job, ended.state, ended.body.toString() || ended.detail);
    } catch (error) {
      failed++;
      console.log(`rejected ${error.message}`);
    }
  };
  const running = bodies.map(run);
  if (bodies.length === 0) for await (const line of createInterface({ input: process.stdin })) running.push(run(line));
  await Promise.all(running);
  await producer.close();
  return failed ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
