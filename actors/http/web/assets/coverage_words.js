// What a weak run is, in words: how urgent, why weak, how far. Texts that others wrote are cut, and
// kept apart from what stands around them, whichever way they are written.
import { badge } from './badges.js';
import { el } from './dom.js';
import { fixed } from './format.js';

/* --- texts of others ---------------------------------------------------------------------- */

// At most so many characters, on one line if it is a name.
export function cut(text, most, { isLine = true } = {}) {
  const whole = String(text ?? ''), part = whole.slice(0, most + 1);
  const even = (isLine ? part.replace(/\s+/g, ' ') : part).trim();
  return whole.length > most ? `${even.slice(0, most).replace(/[\ud800-\udbff]$/, '').trimEnd()}…` : even;
}

export const quoted = (text, most, options) => el('bdi', {}, cut(text, most, options));

/* --- priority and status ------------------------------------------------------------------ */

const PRIORITIES = [
  { least: 0.75, word: 'P1', mark: '▲', kind: 'bad', says: 'urgent' },
  { least: 0.4, word: 'P2', mark: '△', kind: 'warn', says: 'soon' },
  { least: -Infinity, word: 'P3', mark: '▽', kind: '', says: 'when there is time' },
];

// A score is a sum of decimal parts: 0.75 may come as a little less.
export const priorityOf = (score) => PRIORITIES.find(({ least }) => Math.round((score ?? 0) * 1e6) >= least * 1e6);

export function priorityBadge(score) {
  const { word, mark, kind, says } = priorityOf(score);
  return badge(mark, kind, word, `Priority ${fixed(score, 2)}: ${says}`);
}

export const TABS = {
  open: { word: 'Open', mark: '○', kind: 'warn', none: ['Nothing is open.', 'A match run that finds too little shows up here at once.'] },
  acknowledged: { word: 'Acknowledged', mark: '◐', kind: 'busy', none: ['Nobody has taken on a run.', 'Acknowledge an open one, so that others see that you are at it.'] },
  resolved: { word: 'Resolved', mark: '✓', kind: 'good', none: ['Nothing is resolved yet.', 'A run is resolved by hand, or by itself once the same question finds a good strategy.'] },
  all: { word: 'All', none: ['No match run of this workspace was weak.', 'One that finds too little shows up here at once: ask with POST /match-runs.'] },
};

export function coverageBadge(status) {
  const { word, mark, kind } = TABS[status] ?? { word: status, mark: '?', kind: '' };
  return badge(mark, kind, word.toLowerCase());
}

/* --- reasons ------------------------------------------------------------------------------ */

const REASONS = {
  LOW_BEST_SCORE: ['low best score', 'Even the best candidate fits badly.'],
  NO_RESULTS_ABOVE_THRESHOLD: ['none good enough', 'No candidate is good enough to be recommended.'],
  NO_RESULTS: ['no result', 'No strategy was found at all.'],
  NO_MATCHES: ['no match', 'No strategy has anything in common with the question.'],
  NO_STRONG_MATCHES: ['no strong match', 'No strategy has much in common with the question.'],
  LOW_SIGNAL_INPUT: ['vague question', 'The question says too little to go by.'],
};

const unknown = (code) => cut(code, 60).toLowerCase().replaceAll('_', ' ');
export const reasonWord = (code) => REASONS[code]?.[0] ?? unknown(code);
export const reasonSentence = (code) => REASONS[code]?.[1] ?? `The match was weak: ${unknown(code)}.`;

const DEGRADED = {
  llm_timeout: 'No language model answered in time.',
  llm_unconfigured: 'No language model is set up.',
  llm_error: 'The language model could not answer.',
  llm_rate_limit: 'The language model takes no more questions at the moment.',
};

export const degradedSentence = ({ error, reason_code: code }) => cut(error || DEGRADED[code] || 'No language model answered.', 300);
