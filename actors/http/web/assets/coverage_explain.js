// Why a candidate fits a run, or does not: asked for, and shown with who wrote it. What a model
// wrote is text like any other.
import { send } from './api.js';
import { announce, el } from './dom.js';
import { age } from './format.js';
import { showContent, showLoading, showProblem } from './panel.js';
import { badge } from './badges.js';
import { cut, degradedSentence, quoted } from './coverage_words.js';

const TEXT_MOST = 12000, NAME_MOST = 80;
const LENGTHS = { short: 'Short', detailed: 'Detailed' };
const CONFIDENCE = { High: ['✓', 'good'], Medium: ['△', 'warn'], Low: ['▽', 'bad'] };

let last = 'short'; // the length that was chosen last, for those that are opened next

function confidence(text) {
  const [mark, kind] = CONFIDENCE[/^Confidence: (High|Medium|Low)\b/.exec(text)?.[1]] ?? ['?', ''];
  return badge(mark, `${kind} sentence`, cut(text, 200));
}

function writer({ degraded, model, provider, latency_ms: ms, cache_hit: isKept }) {
  const parts = [degraded ? `Written from the numbers of the match (${cut(model, NAME_MOST)})` : `Written by ${cut(model, NAME_MOST)}`, !degraded && provider && `of ${cut(provider, NAME_MOST)}`];
  const how = [isKept ? 'kept from before' : typeof ms === 'number' && `took ${age(ms / 1000)}`].filter(Boolean);
  return [parts.filter(Boolean).join(' '), ...how].join(' · ');
}

function article(answer) {
  return [
    answer.degraded && el('p', { class: 'notice warn degraded' }, el('strong', {}, 'Degraded'), el('span', {}, degradedSentence(answer))),
    el('p', { class: 'words' }, quoted(answer.explanation, TEXT_MOST, { isLine: false })),
    el('p', {}, confidence(answer.confidence_qualifier)),
    el('p', { class: 'note' }, writer(answer)),
  ].filter(Boolean);
}

export class Explanation {
  #kept = {}; #asked = null; #length = last;

  constructor(runId, strategyId) {
    Object.assign(this, { runId, strategyId });
    this.button = el('button', { class: 'button small', type: 'button', 'aria-keyshortcuts': 'e', on: { click: () => this.ask() } }, 'Explain');
    this.lengths = Object.entries(LENGTHS).map(([length, word]) => el('button', { class: 'button small', type: 'button', data: { length }, on: { click: () => this.#choose(length) } }, word));
    this.place = el('div', { class: 'explanation', hidden: true });
    this.node = el('div', {}, el('div', { class: 'row' }, this.button, el('div', { class: 'segments', role: 'group', 'aria-label': 'Length of the explanation' }, this.lengths)), this.place);
    this.#press();
  }

  // Who is explained.
  name(name) {
    this.of = name;
    this.button.setAttribute('aria-label', `Explain ${name}`);
  }

  #press() {
    for (const button of this.lengths) button.setAttribute('aria-pressed', String(button.dataset.length === this.#length));
  }

  // What is open is shown in the other length at once.
  #choose(length) {
    this.#length = last = length;
    this.#press();
    if (this.place.hidden) return;
    if (this.#kept[length]) this.#show(this.#kept[length]);
    else this.ask();
  }

  // The newest question counts; it is not asked twice.
  async ask() {
    const length = this.#length;
    if (this.#asked?.length === length) return;
    const question = this.#asked = { length };
    this.place.hidden = false;
    this.button.setAttribute('aria-busy', 'true');
    showLoading(this.place, 'Asking for an explanation…');
    try {
      const answer = await send('POST', '/admin/coverage/explain', { run_id: this.runId, strategy_id: this.strategyId, verbosity: length });
      if (!answer.degraded) this.#kept[length] = answer;
      if (question === this.#asked) this.#show(answer);
    } catch (problem) {
      if (question === this.#asked) this.#fail(problem);
    }
  }

  #end() {
    this.#asked = null;
    this.button.removeAttribute('aria-busy');
  }

  #show(answer) {
    this.#end();
    showContent(this.place, ...article(answer));
    if (this.place.isConnected) announce(`${this.of} is explained${answer.degraded ? `, degraded: ${degradedSentence(answer)}` : ''}`);
  }

  #fail(problem) {
    this.#end();
    showProblem(this.place, problem, () => { this.button.focus(); this.ask(); });
  }
}
