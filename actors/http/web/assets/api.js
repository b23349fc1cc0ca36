// The HTTP API, as every client has it. What goes wrong is a Problem that says what to do.
import { workspace } from './workspace.js';

const RETRIES = 3;
const PATIENCE_S = 10; // a longer Retry-After is for the reader to see

const ADVICE = {
  UNAUTHORIZED: 'Sign in to go on.',
  FORBIDDEN: 'Sign in with a token that may do this.',
  WORKSPACE_NOT_FOUND: 'Choose another workspace, at the top of the page.',
  TUNE_NOT_FOUND: 'It may have been deleted, or be of another workspace.',
  RUN_NOT_FOUND: 'It may have been deleted together with its tune.',
  STRATEGY_NOT_FOUND: 'Choose another strategy.',
  MATCH_RUN_NOT_FOUND: 'It may have been deleted, or be of another workspace.',
  TUNE_ALREADY_OVER: 'Nothing is left to cancel.',
  RATE_LIMITED: 'Wait a moment, then try again.',
  WORKSPACE_BUSY: 'Wait until one of the running tunes has ended, or cancel one.',
  QUEUE_FULL: 'Wait until the workers have caught up, or start more of them.',
  STORE_DOWN: 'It is tried again by itself once the database is back.',
  BROKER_DOWN: 'Start a broker, or wait until it is back.',
  DRAINING: 'It is tried again by itself.',
  IDEMPOTENCY_IN_PROGRESS: 'The first one is still under way: wait for it.',
  IDEMPOTENCY_KEY_REUSED: 'Change something in the form, or load the page again.',
  DATA_PARSE_FAILED: 'Correct the lines named, or export the file again.',
  INSUFFICIENT_DATA: 'Use a longer series or a smaller out-of-sample part.',
  FILE_TOO_LARGE: 'Cut the file, or ask for a higher http.max_upload_mb.',
};

export class Problem extends Error {
  constructor({ status, code, detail, errors = [], retryAfter = null }) {
    super(detail);
    Object.assign(this, { status, code, errors, retryAfter });
  }

  get needsSignIn() { return this.status === 401 || this.status === 403; }

  // A sentence or two, for people.
  get sentence() {
    const fields = this.errors.filter(({ msg }) => msg !== this.message)
      .map(({ loc, msg }) => `${loc.replace(/^(body|query|path)\./, '')} ${msg}`);
    const first = [this.message, ...fields].join('; ');
    const advice = ADVICE[this.code] ?? (this.status >= 500 ? 'Try again; the log of the server says more.' : '');
    const text = first.charAt(0).toUpperCase() + first.slice(1) + (/[.!?]$/.test(first) ? '' : '.');
    return advice ? `${text} ${advice}` : text;
  }
}

export function address(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    for (const one of [value].flat())
      if (one !== null && one !== undefined && one !== '') query.append(name, one);
  query.set('workspace_id', workspace);
  return `${path}?${query}`;
}

const unreachable = () => new Problem({
  status: 0, code: 'UNREACHABLE',
  detail: 'The server cannot be reached. Check that it runs and that you are connected',
});

function seconds(response) {
  const value = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  return Number.isFinite(value) ? value : null;
}

// What a response that is no success says; body: its text.
export function problemOf(status, body, retryAfter = null) {
  let said = {};
  try { said = JSON.parse(body); } catch { /* from a proxy, most likely */ }
  return new Problem({
    status, retryAfter, errors: said.errors, code: said.code ?? `HTTP_${status}`,
    detail: said.detail ?? said.title ?? `The server answered ${status}`,
  });
}

async function ask(path, params, options) {
  let response;
  try {
    response = await fetch(address(path, params), { credentials: 'same-origin', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw unreachable();
  }
  const body = await response.text();
  if (!response.ok) throw problemOf(response.status, body, seconds(response));
  return body ? JSON.parse(body) : null;
}

const pause = (ms, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); });
});

// Asked again where the server says when, for it changes nothing.
export async function get(path, params = {}, { signal } = {}) {
  for (let left = RETRIES; ; left--) {
    try {
      return await ask(path, params, { signal });
    } catch (error) {
      const waits = [429, 503].includes(error.status) && error.retryAfter !== null && error.retryAfter <= PATIENCE_S;
      if (left === 0 || !waits) throw error;
      await pause(error.retryAfter * 1000, signal);
    }
  }
}

export const post = (path, params = {}) => ask(path, params, { method: 'POST' });
export const remove = (path, params = {}) => ask(path, params, { method: 'DELETE' });
// A body of JSON: method is POST or PATCH.
export const send = (method, path, body) => ask(path, {}, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

// A form with a file. fetch does not tell how far it is, this does. Resolves with
// { status, location, body }.
export function upload(path, form, { headers = {}, onProgress = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', address(path));
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded, event.lengthComputable ? event.total : null);
    request.onerror = () => reject(unreachable());
    request.onload = () => {
      const retryAfter = Number.parseInt(request.getResponseHeader('Retry-After') ?? '', 10);
      if (request.status < 200 || request.status > 299)
        reject(problemOf(request.status, request.responseText, Number.isFinite(retryAfter) ? retryAfter : null));
      else
        resolve({ status: request.status, location: request.getResponseHeader('Location'), body: JSON.parse(request.responseText) });
    };
    request.send(form);
  });
}

export const signInAddress = () => `/admin/login?next=${encodeURIComponent(location.pathname + location.search)}`;
