// States as words with a mark: no one is told by colour alone.
import { el } from './dom.js';
import { fixed, integer } from './format.js';

const STATES = {
  queued: ['○', '', 'queued'],
  running: ['◐', 'busy', 'running'],
  completed: ['✓', 'good', 'completed'],
  failed: ['✕', 'bad', 'failed'],
  canceled: ['–', '', 'canceled'],
  rejected: ['✕', 'warn', 'rejected'],
  skipped: ['↷', 'warn', 'rejected'], // the contract's word for a trial that a gate rejects
};

export const isOver = (status) => ['completed', 'failed', 'canceled'].includes(status);

export function badge(mark, kind, text, title = null) {
  return el('span', { class: `badge ${kind}`, data: { mark }, title }, text);
}

export function statusBadge(status, title = null) {
  const [mark, kind, word] = STATES[status] ?? ['?', '', status];
  return badge(mark, kind, word, title);
}

// To the contract a tune that asked for what is wrong has failed; people are told the difference.
export const tuneBadge = (tune, title = null) => statusBadge(tune.error?.rejected ? 'rejected' : tune.status, title);

const CHANGES = {
  queued: 'waits again', running: 'runs', completed: 'has completed', failed: 'has failed', canceled: 'was canceled', rejected: 'was rejected',
};
export const tuneSentence = (tune) => `The tune ${CHANGES[tune.error?.rejected ? 'rejected' : tune.status] ?? tune.status}`;

// How far the winner is to be believed, as the server judged it: the word, and the sentences why.
// A tune of an older version has no verdict.
export function verdictBadge(overfit) {
  if (!overfit?.verdict) return null;
  return badge({ good: '✓', warn: '△', bad: '▲' }[overfit.level] ?? '·', overfit.level, overfit.verdict.replace('_', ' '), overfit.why.join('\n'));
}

// One trial's gap: a small one says nothing good of it, so it has no colour.
export function gapBadge(gap) {
  if (typeof gap !== 'number') return null;
  const title = `in-sample score less out-of-sample score: ${gap}`;
  if (gap > 0.5) return badge('▲', 'bad', `gap ${fixed(gap, 2)} high`, title);
  return gap > 0.3 ? badge('△', 'warn', `gap ${fixed(gap, 2)} moderate`, title) : badge('·', '', `gap ${fixed(gap, 2)}`, title);
}

// What is known of how much a finished tune can be trusted.
export function validityBadges(tune) {
  const list = [];
  if (tune.status === 'completed') {
    const { completed, skipped } = tune.counts;
    const title = `${integer(completed)} trials passed the gates, ${integer(skipped)} were rejected`;
    if (completed === 0) list.push(badge('✕', 'bad', 'no valid trial', title));
    else list.push(badge('·', '', `${integer(completed)} valid`, title));
    const verdict = completed > 0 && verdictBadge(tune.overfit);
    if (verdict) list.push(verdict);
  }
  if (tune.warnings?.length)
    list.push(badge('!', 'warn', tune.warnings.length === 1 ? '1 warning' : `${tune.warnings.length} warnings`, tune.warnings.join('\n')));
  return list;
}
