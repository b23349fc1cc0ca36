// Every trial of a tune, page by page.
import { get } from './api.js';
import { gapBadge, isOver, statusBadge } from './badges.js';
import { el } from './dom.js';
import { exactly, integer, number, params, percent, score } from './format.js';
import { showContent, showEmpty, showLoading, showProblem } from './panel.js';
import { Pager, Table } from './table.js';

const LIMIT = 100;

const metricsOf = (run) => run.metrics_oos ?? run.metrics_is ?? {};

function columns(choose, hasOos) {
  const numeric = (key, label, value, text, title = null) => ({ key, label, numeric: true, title, value, cell: (run) => number(value(run), text(value(run))) });
  return [
    numeric('trial', 'Trial', (run) => run.trial_index, integer),
    { key: 'status', label: 'Status', value: (run) => run.status, cell: (run) => statusBadge(run.status) },
    { key: 'params', label: 'Parameters', class: 'params', sort: false, value: (run) => run.params, cell: (run) => el('span', { title: exactly(run.params) }, params(run.params)) },
    numeric('score', 'Score', (run) => run.score, score),
    ...(hasOos ? [
      numeric('is', 'In sample', (run) => run.score_is, score), numeric('oos', 'Out of sample', (run) => run.score_oos, score),
      { key: 'gap', label: 'Overfit gap', value: (run) => run.overfit_gap, cell: (run) => gapBadge(run.overfit_gap) ?? '–' }] : []),
    numeric('return', 'Return', (run) => metricsOf(run).return_pct ?? null, (value) => percent(value)),
    numeric('drawdown', 'Max drawdown', (run) => metricsOf(run).max_drawdown_pct ?? null, (value) => percent(value)),
    numeric('trades', 'Trades', (run) => metricsOf(run).trades ?? null, integer),
    { key: 'reason', label: 'Reason', value: (run) => run.skip_reason ?? run.failed_reason, cell: (run) => el('span', { class: 'muted' }, run.skip_reason ?? run.failed_reason ?? '') },
    { key: 'show', label: 'Show', hush: true, class: 'actions', value: () => 0, cell: (run) => el('button', { class: 'button small', type: 'button', 'aria-label': `Show trial ${run.trial_index}`, on: { click: () => choose(run.run_id) } }, 'Show') },
  ];
}

export class Trials {
  #asked = null; #table = null;

  constructor(path, place, note, choose) {
    Object.assign(this, { path, place, note, choose });
    this.pager = new Pager(LIMIT, (offset) => this.load(offset));
  }

  show(tune) {
    this.note.textContent = '';
    if (!isOver(tune.status)) {
      showEmpty(this.place, 'Trials are stored when the tune ends.', 'Until then the leaders and the curve above are what is known.');
      return;
    }
    this.#table = new Table({ label: 'Trials', id: (run) => run.run_id, columns: columns(this.choose, tune.oos_ratio !== null) });
    this.load(0);
  }

  async load(offset) {
    const question = this.#asked = {};
    if (!this.#table.items.length) showLoading(this.place);
    try {
      const list = await get(`${this.path}/runs`, { limit: LIMIT, offset });
      if (question !== this.#asked) return;
      this.#table.show(list.items);
      this.pager.show(list.offset, list.items.length, list.total);
      this.note.textContent = list.total > LIMIT ? 'The head of the table sorts the page that is shown.' : '';
      if (list.total) showContent(this.place, this.#table.node, this.pager.node);
      else showEmpty(this.place, 'No trial was stored.', 'The tune ended before its first result.');
    } catch (problem) {
      if (question === this.#asked) showProblem(this.place, problem, () => this.load(offset));
    }
  }
}
