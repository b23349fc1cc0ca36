// What happens, as it happens: one stream of events for the page.
//
//   new Live({ topics, onEvent(event, payload), onReload() }).start()
//
// onReload is called whenever the page must ask for everything: at the start, when the stream has
// lost its place, and every few seconds while there is no stream. A stream that breaks resumes by
// itself where it was; one that is refused (its ticket has run out) gets a new ticket first.
import { address, post } from './api.js';
import { byId } from './dom.js';

const EVENTS = [
  ...['queued', 'started', 'progress', 'completed', 'failed', 'canceled', 'deleted'].map((what) => `backtest.tune.${what}`),
  ...['created', 'updated'].map((what) => `coverage.weak_run.${what}`),
  'system.health',
];
const PATIENCE_MS = 1500; // the page is not left empty for longer
const POLL_MS = 5000;
const PAUSE_MS = 1000, PAUSE_MAX_MS = 15000;
const WORDS = { live: 'Live', reconnecting: 'Reconnecting', polling: 'Every 5 s', 'signed-out': 'Signed out' };
const TITLES = {
  live: 'Changes are shown as they happen',
  reconnecting: 'The stream of changes was lost; until it is back the page is loaded anew every 5 s',
  polling: 'This server has no stream of changes: the page is loaded anew every 5 s',
  'signed-out': 'Load the page again to sign in',
};

export class Live {
  #source = null; #lastId = ''; #failures = 0; #poll = 0; #hasLoaded = false;

  constructor({ topics, onEvent, onReload }) {
    Object.assign(this, { topics, onEvent, onReload });
  }

  start() {
    this.#open();
    setTimeout(() => { if (!this.#hasLoaded) this.#reload(); }, PATIENCE_MS);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.state !== 'live') this.#reload();
    });
    addEventListener('pagehide', () => this.#source?.close());
    addEventListener('pageshow', (event) => { if (event.persisted) this.#open(); });
  }

  #say(state) {
    const place = byId('live');
    if (this.state === state) return;
    this.state = state;
    place.hidden = false;
    place.dataset.state = state;
    place.title = TITLES[state];
    const words = document.createElement('span');
    words.className = 'words';
    words.textContent = WORDS[state];
    place.replaceChildren(words);
    clearInterval(this.#poll);
    if (state === 'reconnecting' || state === 'polling')
      this.#poll = setInterval(() => { if (!document.hidden) this.#reload(); }, POLL_MS);
  }

  #reload() {
    this.#hasLoaded = true;
    this.onReload();
  }

  async #open() {
    this.#source?.close();
    try {
      await post('/admin/events/ticket');
    } catch (problem) {
      this.#noTicket(problem);
      return;
    }
    this.#listen();
  }

  #noTicket(problem) {
    if (problem.status === 404) {
      this.#say('polling');
      if (!this.#hasLoaded) this.#reload();
    } else if (problem.needsSignIn) {
      this.#say('signed-out');
      if (!this.#hasLoaded) this.#reload();
    } else {
      this.#again();
    }
  }

  #listen() {
    const source = new EventSource(address('/admin/events/stream', { topics: this.topics, last_event_id: this.#lastId }));
    this.#source = source;
    source.addEventListener('open', () => this.#opened());
    source.addEventListener('error', () => {
      if (source !== this.#source) return;
      if (source.readyState === EventSource.CLOSED) this.#again();
      else this.#say('reconnecting');
    });
    source.addEventListener('stream.reset', (event) => {
      this.#lastId = event.lastEventId || this.#lastId;
      this.#reload();
    });
    for (const name of EVENTS) source.addEventListener(name, (event) => this.#heard(name, event));
  }

  // The first time, what was loaded before may miss what happened in between.
  #opened() {
    const isFirst = this.#lastId === '';
    this.#failures = 0;
    this.#say('live');
    if (isFirst) this.#reload();
  }

  #heard(name, event) {
    this.#lastId = event.lastEventId || this.#lastId;
    try {
      this.onEvent(name, JSON.parse(event.data).payload);
    } catch (error) {
      console.warn(`an event could not be shown: ${name}`, error);
      this.#reload();
    }
  }

  #again() {
    const wait = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** this.#failures) * (0.75 + Math.random() / 2);
    this.#failures++;
    this.#say('reconnecting');
    setTimeout(() => this.#open(), wait);
  }
}
