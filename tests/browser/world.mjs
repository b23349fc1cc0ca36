// A whole Tunemill in a directory of its own, a browser, and what the pages must never do.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const TOKEN = 'token-for-tests';
export const HERE = dirname(fileURLToPath(import.meta.url));
export const DATA = join(HERE, '..', 'data');
export const ARTIFACTS = join(HERE, 'artifacts');
export const STRATEGIES = {
  bb_reversal: '8fd7589a-97c6-49bf-a65e-357fb063fe33', donchian_breakout: '0c9f4c3b-3c7e-4d19-9a51-6f0d2b7a1e04',
};

/* --- the system --------------------------------------------------------------------------- */

class System {
  environment = {}; // beside that of the tests
  log = 'tunemill.log';

  async start() {
    mkdirSync(ARTIFACTS, { recursive: true });
    this.root = mkdtempSync(join(tmpdir(), 'tunemill-browser-'));
    chmodSync(this.root, 0o711); // PostgreSQL does not run as root, and must get through
    this.data = join(this.root, 'data');
    const env = Object.entries(process.env).filter(([name]) => !/^(OPENAI|ANTHROPIC|OPENROUTER|OLLAMA|LLM)_/.test(name)); // no other model is asked
    // a test that is killed leaves nothing running: setpriv becomes the program, which dies with us
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', process.env.TUNEMILL, 'up', '--data-dir', this.data, '--http', '127.0.0.1:0', '--tune', '2'], {
      env: { ...Object.fromEntries(env), ...this.environment, ADMIN_TOKEN: TOKEN }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr.pipe(createWriteStream(join(ARTIFACTS, this.log)));
    const [line] = await Promise.race([
      once(createInterface(this.child.stdout), 'line'),
      once(this.child, 'exit').then(([code]) => { throw new Error(`tunemill up ended with ${code}: see artifacts/${this.log}`); }),
    ]);
    const { http, database } = JSON.parse(line);
    Object.assign(this, { http, database });
  }

  async stop() {
    if (this.child && this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    rmSync(this.root, { recursive: true, force: true });
  }

  // The pid of a child of `up` by its name; 0 if it does not run now.
  pid(name) {
    const { children } = JSON.parse(readFileSync(join(this.data, 'up.json'), 'utf8'));
    return children.find((child) => child.name === name)?.pid ?? 0;
  }

  async get(path) {
    const response = await fetch(this.http + path, { headers: { 'X-Admin-Token': TOKEN } });
    assert.equal(response.status, 200, `${path}: ${response.status}`);
    return response.json();
  }

  // What a client sends as JSON; resolves with what is answered, if it is no refusal.
  async send(method, path, body) {
    const response = await fetch(this.http + path, { method, body: JSON.stringify(body), headers: { 'X-Admin-Token': TOKEN, 'Content-Type': 'application/json' } });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  // Straight into the database, for what no address takes.
  sql(statements) {
    execFileSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', this.database], { input: statements });
  }

  async submit(fields = {}, file = 'sp500_daily.csv', prefer = 'respond-async') {
    const form = new FormData();
    const content = Buffer.isBuffer(file) ? file : readFileSync(join(DATA, file));
    for (const [name, value] of Object.entries({ strategy_entity_id: STRATEGIES.donchian_breakout, n_trials: 60, oos_ratio: 0.3, ...fields }))
      if (value !== null) form.append(name, value);
    form.append('file', new Blob([content]), 'prices.csv');
    const response = await fetch(`${this.http}/backtests/tune`, { method: 'POST', body: form, headers: { Prefer: prefer } });
    return response.json();
  }
}

export const system = new System();

/* --- the browser -------------------------------------------------------------------------- */

let browser = null;
export const faults = []; // of all pages: what no test has forgiven

export async function open() {
  await system.start();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
}

export async function close() {
  await browser?.close();
  await system.stop();
}

// A person with cookies of their own; its pages are watched. forgive: kinds of console errors that
// belong to the test, as regular expressions.
export async function person({ isIn = true, forgive = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB', timezoneId: 'UTC', ...options });
  context.setDefaultTimeout(60000);
  const fault = (text) => { if (!forgive.some((kind) => kind.test(text))) faults.push(text); };
  await context.addInitScript(() => addEventListener('securitypolicyviolation', (event) =>
    console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== system.http) fault(`a request to ${request.url()}`);
  });
  context.on('page', (page) => {
    page.on('pageerror', (error) => fault(`${page.url()}: ${error.stack}`));
    page.on('console', (message) => { if (message.type() === 'error') fault(`${page.url()}: ${message.text()} ${message.location().url}`); });
  });
  if (isIn) await context.addCookies([{ name: 'admin_token', value: TOKEN, url: system.http }]);
  context.go = async (path) => {
    const page = await context.newPage();
    await page.goto(system.http + path);
    return page;
  };
  return context;
}

export async function until(what, condition, ms = 60000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `not within ${ms} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

export const overTune = (id) => until(`tune ${id} ends`, async () => {
  const tune = await system.get(`/backtests/tunes/${id}`);
  return ['completed', 'failed', 'canceled'].includes(tune.status) && tune;
});

export const isLive = (page) => page.locator('#live[data-state="live"]').waitFor();
