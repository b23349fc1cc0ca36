// Tunemill's protocol for Node.js: the codec, and a link to one broker. Written from
// proto/PROTOCOL.md alone; producer.mjs and worker.mjs build on it.
import { randomFillSync } from 'node:crypto';
import { Dealer } from 'zeromq';

export const VERSION = 1;
const BATCH_PAIRS = 256;
const BATCH_BYTES = 256 * 1024;
const TICK_MS = 50;
const NESTING_MAX = 8;
const EMPTY = Buffer.alloc(0);

// number, name, fields; the fields' keys count from 2
const TABLE = `
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
52 METRICS   actor instance seq watch last`;
export const MESSAGES = Object.fromEntries(TABLE.split(';').map((row) => {
  const [number, name, ...fields] = row.trim().split(/\s+/);
  return [name, { name, number: Number(number), fields }];
}));
const BY_NUMBER = [];
for (const message of Object.values(MESSAGES)) BY_NUMBER[message.number] = message;

// --- ids: 16 bytes on the wire, text for people ------------------------------------------

const random = Buffer.alloc(16 * 256);
let used = random.length;

export function newId() { // UUID version 7
  if (used === random.length) { randomFillSync(random); used = 0; }
  const id = Buffer.allocUnsafe(16);
  random.copy(id, 0, used, used += 16);
  id.writeUIntBE(Date.now(), 0, 6);
  id[6] = (id[6] & 0x0f) | 0x70;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id;
}

export function idText(id) {
  const hex = id.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

let lastText, lastBytes; // a workspace is given again and again

export function idBytes(id) {
  if (typeof id !== 'string') return id;
  if (id !== lastText) lastBytes = Buffer.from((lastText = id).replaceAll('-', ''), 'hex');
  return lastBytes;
}

// --- codec ---------------------------------------------------------------------------------

const draft = Buffer.alloc(8192);

function putUint(at, value) {
  if (value < 0x80) return draft.writeUInt8(value, at);
  if (value < 0x100) return draft.writeUInt16BE(0xcc00 + value, at);
  if (value < 0x10000) return draft.writeUInt16BE(value, draft.writeUInt8(0xcd, at));
  if (value < 0x100000000) return draft.writeUInt32BE(value, draft.writeUInt8(0xce, at));
  return draft.writeBigUInt64BE(BigInt(value), draft.writeUInt8(0xcf, at));
}

function putBin(at, bytes) {
  at = bytes.length < 0x100 ? draft.writeUInt16BE(0xc400 + bytes.length, at)
    : draft.writeUInt16BE(bytes.length, draft.writeUInt8(0xc5, at));
  draft.set(bytes, at);
  return at + bytes.length;
}

function putStr(at, text) {
  const size = Buffer.byteLength(text);
  if (size < 32) at = draft.writeUInt8(0xa0 + size, at);
  else if (size < 0x100) at = draft.writeUInt16BE(0xd900 + size, at);
  else at = draft.writeUInt16BE(size, draft.writeUInt8(0xda, at));
  return at + draft.write(text, at);
}

function put(at, value) {
  switch (typeof value) {
    case 'number': case 'bigint': return putUint(at, value);
    case 'string': return putStr(at, value);
    case 'boolean': return draft.writeUInt8(value ? 0xc3 : 0xc2, at);
    default: return putBin(at, value);
  }
}

// The header frame; throws if it is too large. Fields that are undefined are left out.
export function encode(name, values) {
  const { number, fields } = MESSAGES[name];
  let count = 2;
  let at = putUint(putUint(putUint(putUint(3, 0), VERSION), 1), number);
  for (let i = 0; i < fields.length; i++) {
    const value = values[fields[i]];
    if (value === undefined) continue;
    count++;
    at = put(putUint(at, i + 2), value);
  }
  let start = 2; // before the first key: room for the map's tag
  if (count < 16) draft[start] = 0x80 + count;
  else draft.writeUInt16BE(count, draft.writeUInt8(0xde, start = 0));
  return Buffer.from(draft.subarray(start, at));
}

class Cursor {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  uint(size) {
    this.at += size;
    if (size < 8) return this.bytes.readUIntBE(this.at - size, size);
    const value = this.bytes.readBigUInt64BE(this.at - 8);
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  span(size) {
    if (this.at + size > this.bytes.length) throw new RangeError('cut short');
    return this.bytes.subarray(this.at, this.at += size);
  }
  children(count, depth) {
    if (depth === 0) throw new RangeError('nested too deeply');
    while (count-- > 0) this.value(depth - 1);
  }
  value(depth = NESTING_MAX) { // undefined for a kind that the protocol does not use
    const tag = this.uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.children(2 * (tag & 15), depth);
    if (tag < 0xa0) return this.children(tag & 15, depth);
    if (tag < 0xc0) return this.span(tag & 31).toString();
    if (tag >= 0xe0) return undefined;
    switch (tag) {
      case 0xc2: case 0xc3: return tag === 0xc3;
      case 0xc4: case 0xc5: case 0xc6: return this.span(this.uint(1 << (tag - 0xc4)));
      case 0xcc: case 0xcd: case 0xce: case 0xcf: return this.uint(1 << (tag - 0xcc));
      case 0xd9: case 0xda: case 0xdb: return this.span(this.uint(1 << (tag - 0xd9))).toString();
      case 0xdc: case 0xdd: return this.children(this.uint(2 << (tag - 0xdc)), depth);
      case 0xde: case 0xdf: return this.children(2 * this.uint(2 << (tag - 0xde)), depth);
      default: return this.other(tag);
    }
  }
  other(tag) { // nil, extensions, floats, signed integers
    if (tag === 0xc1) throw new RangeError('no such tag');
    const sizes = { 0xca: 4, 0xcb: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8, 0xd4: 2, 0xd5: 3, 0xd6: 5, 0xd7: 9, 0xd8: 17 };
    if (tag >= 0xc7 && tag <= 0xc9) this.span(this.uint(1 << (tag - 0xc7)) + 1);
    else this.span(sizes[tag] ?? 0);
    return undefined;
  }
}

// { name, field: value ... }; throws what is not a message of this version.
export function decode(header) {
  const cursor = new Cursor(header);
  const tag = cursor.uint(1);
  const count = tag === 0xde ? cursor.uint(2) : tag - 0x80;
  if (count < 0 || (tag !== 0xde && count > 15)) throw new RangeError('no map');
  const values = [];
  for (let i = 0; i < count; i++) values[cursor.value()] = cursor.value();
  if (cursor.at !== header.length) throw new RangeError('bytes follow the map');
  if (values[0] !== VERSION) throw new RangeError(`version ${values[0]}`);
  const { name, fields } = BY_NUMBER[values[1]];
  const message = { name };
  for (let i = 0; i < fields.length; i++) if (values[i + 2] !== undefined) message[fields[i]] = values[i + 2];
  return message;
}

// --- one broker ----------------------------------------------------------------------------

// What is said in one turn of the event loop leaves together. The owner has onMessage(link,
// message, body, isNew), and may have onPing(link), onLost(link) and onTick(now).
export class Link {
  constructor(endpoint, owner) {
    Object.assign(this, { owner, alive: false, broker: null, pingMs: 1000, silenceMs: 3000 });
    Object.assign(this, { heardAt: -Infinity, pingedAt: -Infinity, seq: 0, outbox: [], sending: false });
    this.socket = new Dealer({
      linger: 0, sendHighWaterMark: 1000, receiveHighWaterMark: 10000,
      reconnectInterval: 50, reconnectMaxInterval: 1000, handshakeInterval: 5000,
      heartbeatInterval: 2000, heartbeatTimeout: 6000, maxMessageSize: 16 << 20,
    });
    this.socket.connect(endpoint);
    this.timer = setInterval(() => this.#tick(performance.now()), TICK_MS);
    this.#ping(performance.now());
    this.reading = this.#read();
  }

  say(header, body = EMPTY) {
    if (this.outbox.length === 0 && !this.sending) setImmediate(() => this.#flush());
    this.outbox.push(header, body);
  }

  async close() {
    clearInterval(this.timer);
    await new Promise((done) => { setImmediate(done); }); // what was said last is sent first
    this.closed = true;
    this.socket.linger = 200;
    this.socket.close();
    await this.reading;
  }

  async #flush() {
    if (this.sending) return;
    this.sending = true;
    while (this.outbox.length > 0 && !this.closed) {
      let count = 0, bytes = 0;
      while (count < this.outbox.length && count < 2 * BATCH_PAIRS && bytes < BATCH_BYTES) {
        bytes += this.outbox[count].length + this.outbox[count + 1].length;
        count += 2;
      }
      const batch = this.outbox.splice(0, count);
      await this.socket.send(batch).catch(() => {}); // closed: nobody is there to tell
    }
    this.sending = false;
  }

  async #read() {
    try {
      for await (const frames of this.socket) this.#take(frames, performance.now());
    } catch (error) {
      if (!this.closed) throw error;
    }
  }

  #take(frames, now) {
    for (let i = 0; i + 1 < frames.length; i += 2) {
      let message;
      try { message = decode(frames[i]); } catch { return; } // the rest of the batch is dropped
      const isNew = this.#hear(message, now);
      this.owner.onMessage(this, message, frames[i + 1], isNew);
    }
  }

  #hear(message, now) {
    let isNew = !this.alive || now - this.heardAt >= this.silenceMs;
    if (message.broker && !this.broker?.equals(message.broker)) {
      isNew ||= this.broker !== null;
      this.broker = Buffer.from(message.broker);
    }
    this.alive = true;
    this.heardAt = now;
    if (message.name === 'PING') this.say(encode('PONG', { seq: message.seq }));
    return isNew;
  }

  #ping(now) {
    this.pingedAt = now;
    if (this.outbox.length < 1000) this.say(encode('PING', { seq: ++this.seq }));
  }

  #tick(now) {
    if (now - this.pingedAt >= this.pingMs) {
      this.#ping(now);
      this.owner.onPing?.(this);
    }
    if (this.alive && now - this.heardAt >= this.silenceMs) {
      this.alive = false;
      this.owner.onLost?.(this, now);
    }
    this.owner.onTick?.(now);
  }
}
