// The parts of a tune that more than one page shows.
import { isOver } from './badges.js';
import { el } from './dom.js';
import { age, fixed, integer } from './format.js';

export const addressOf = (id) => `/admin/backtests/tunes/${id}`;

// A bar with its numbers in words. big: on the tune's own page.
export function progressBar(tune, { big = false } = {}) {
  const { done, total, trials_per_second: rate, eta_seconds: eta } = tune.progress;
  const kind = { completed: 'good', failed: 'bad' }[tune.status] ?? '';
  const words = [`${integer(done)} of ${integer(total)} trials`];
  if (typeof rate === 'number' && done > 0) words.push(`${fixed(rate, rate < 10 ? 1 : 0)}/s`);
  if (tune.status === 'running' && done >= total) words.push('storing');
  else if (tune.status === 'running' && typeof eta === 'number') words.push(`${age(eta)} left`);
  return el('div', { class: 'progress' },
    el('progress', { class: `${kind} ${big ? 'big' : ''}`.trim(), max: String(Math.max(total, 1)), value: String(done), 'aria-label': 'trials done' }),
    el('span', { class: 'sub' }, words.join(' · ')));
}

// What a progress event says, in a tune as the list has it.
export function withProgress(tune, said) {
  return {
    ...tune, status: said.status ?? 'running', trials_completed: said.done,
    progress: { done: said.done, total: said.total, trials_per_second: said.trials_per_second, eta_seconds: said.eta_seconds },
    best_score: said.best_score ?? tune.best_score, best_params: said.best_params ?? tune.best_params,
  };
}

// What came late must not take back what is known: a tune that has ended does not run.
export const isLate = (event, known) => isOver(known.status) && (event.endsWith('.started') || event.endsWith('.progress'));
// Tried again, or late: only the server knows.
export const isDoubtful = (event, known) => isOver(known.status) && event.endsWith('.queued');
