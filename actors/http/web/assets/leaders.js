// The best trials: of a running tune as its events tell, of an ended one as it is stored.
import { isOver } from './badges.js';
import { el } from './dom.js';
import { exactly, fixed, integer, number, params, percent, score } from './format.js';
import { showContent, showEmpty } from './panel.js';
import { Table } from './table.js';

const metric = (key, label, digits, isPercent, title = null) => ({
  key, label, numeric: true, title, value: (row) => row.summary?.[key] ?? null,
  cell: (row) => number(row.summary?.[key], isPercent ? percent(row.summary?.[key], digits) : fixed(row.summary?.[key], digits)),
});

export const metricColumns = [
  metric('return_pct', 'Return', 1, true), metric('max_drawdown_pct', 'Max drawdown', 1, true), metric('sharpe', 'Sharpe', 2),
  metric('win_rate', 'Win rate', 2, false, 'share of trades that gained'), metric('profit_factor', 'Profit factor', 2), metric('trades', 'Trades', 0),
];

export class Leaders {
  constructor(place, note, choose) {
    Object.assign(this, { place, note });
    const common = [
      { key: 'params', label: 'Parameters', class: 'params', sort: false, value: (row) => row.params, cell: (row) => el('span', { title: exactly(row.params) }, params(row.params)) },
      { key: 'score', label: 'Score', numeric: true, value: (row) => row.score, cell: (row) => number(row.score, score(row.score)) },
    ];
    this.stored = new Table({ label: 'Leaders', id: (row) => row.run_id, columns: [
      { key: 'rank', label: 'Rank', numeric: true, value: (row) => row.rank, cell: (row) => integer(row.rank) }, ...common,
      { key: 'test', label: 'Test', numeric: true, title: 'the score out of sample', value: (row) => row.score_oos ?? null, cell: (row) => number(row.score_oos, score(row.score_oos)) }, ...metricColumns,
      { key: 'show', label: 'Show', hush: true, class: 'actions', value: () => 0, cell: (row) => el('button', { class: 'button small', type: 'button', 'aria-label': `Show trial of rank ${row.rank}`, on: { click: () => choose(row.run_id) } }, 'Show') },
    ] });
    this.live = new Table({ label: 'Leaders so far', id: (row) => row.trial_index, columns: [
      { key: 'trial', label: 'Trial', numeric: true, value: (row) => row.trial_index, cell: (row) => integer(row.trial_index) }, ...common,
    ] });
    this.followed = [];
  }

  show(tune) {
    if (!isOver(tune.status)) { this.#showLive(); return; }
    this.note.textContent = tune.leaderboard.length ? 'Show computes the trial’s equity curve and trades.' : '';
    if (tune.leaderboard.length) {
      this.stored.show(tune.leaderboard);
      showContent(this.place, this.stored.node);
    } else if (tune.status === 'completed') {
      showEmpty(this.place, 'No trial passed the gates.', 'The reasons stand with the trials below.');
    } else if (tune.counts.skipped > 0) {
      showEmpty(this.place, 'No trial had passed the gates when the tune was canceled.', 'The reasons stand with the trials below.');
    } else {
      showEmpty(this.place, 'The tune was canceled before it had a result.');
    }
  }

  follow(leaders) {
    this.followed = leaders;
    this.#showLive();
  }

  #showLive() {
    this.note.textContent = this.followed.length ? 'So far; trials are stored when the tune ends.' : '';
    if (!this.followed.length) { showEmpty(this.place, 'No trial has ended yet.', 'The first leaders appear here within a second of the start.'); return; }
    this.live.show(this.followed);
    showContent(this.place, this.live.node);
  }
}
