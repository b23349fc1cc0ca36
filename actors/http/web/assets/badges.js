// States as words with a mark: no one is told by colour alone.
import { el } from './dom.js';
import { fixed, integer } from './format.js';

const STATES = {
  queued: ['○', '', 'queued'],
  running: ['◐', 'busy', 'running'],
  completed: ['✓', 'good', 'completed'],
  failed: ['✕', 'bad', 'failed'],
  canceled: ['–', '', 'canceled'],
  skipped: ['↷', 'warn', 'skipped'],
};

export const isOver = (status) => ['completed', 'failed', 'canceled'].includes(status);

export function badge(mark, kind, text, title = null) {
  return el('span', { class: `badge ${kind}`, data: { mark }, title }, text);
}

export function statusBadge(status, title = null) {
  const [mark, kind, word] = STATES[status] ?? ['?', '', status];
  return badge(mark, kind, word, title);
}

// How likely the best trial is only the luckiest one: PBO is the share of splits in which the best
// in one half was below the median of the other.
export function overfitVerdict(pbo) {
  if (typeof pbo !== 'number') return null;
  if (pbo > 0.5) return { mark: '▲', kind: 'bad', word: 'overfit' };
  return pbo > 0.2 ? { mark: '△', kind: 'warn', word: 'maybe overfit' } : { mark: '✓', kind: 'good', word: 'robust' };
}

export function gapBadge(gap) {
  if (typeof gap !== 'number') return null;
  const title = `in-sample score less out-of-sample score: ${gap}`;
  if (gap > 0.5) return badge('▲', 'bad', `gap ${fixed(gap, 2)} high`, title);
  return gap > 0.3 ? badge('△', 'warn', `gap ${fixed(gap, 2)} moderate`, title) : badge('✓', 'good', `gap ${fixed(gap, 2)}`, title);
}

// What is known of how much a finished tune can be trusted.
export function validityBadges(tune) {
  const list = [];
  if (tune.status === 'completed') {
    const { completed, skipped } = tune.counts;
    const title = `${integer(completed)} trials passed the gates, ${integer(skipped)} were skipped`;
    if (completed === 0) list.push(badge('✕', 'bad', 'no valid trial', title));
    else list.push(badge('✓', 'good', `${integer(completed)} valid`, title));
    const verdict = completed > 0 && overfitVerdict(tune.overfit?.pbo);
    if (verdict)
      list.push(badge(verdict.mark, verdict.kind, `${verdict.word} (PBO ${fixed(tune.overfit.pbo, 2)})`, 'probability of back-test overfitting'));
  }
  if (tune.warnings?.length)
    list.push(badge('!', 'warn', tune.warnings.length === 1 ? '1 warning' : `${tune.warnings.length} warnings`, tune.warnings.join('\n')));
  return list;
}
