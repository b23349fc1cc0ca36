// Tunes by their best trials, of one objective: that of the filter, or the one that most have.
import { address, get } from './api.js';
import { gapBadge } from './badges.js';
import { byId, el } from './dom.js';
import { Filters } from './filters.js';
import { exactly, integer, number, params, score, shortId, time } from './format.js';
import { metricColumns } from './leaders.js';
import { showContent, showEmpty, showLoading, showProblem } from './panel.js';
import { Pager, Table } from './table.js';
import { addressOf } from './tune_view.js';

const LIMIT = 50;
const CSV_LIMIT = 10000; // what the server sends if it is asked for no number
const place = byId('board');
const filters = new Filters(byId('filters'), () => load(0));
let asked = null;

const scoreColumn = (key, label) => ({ key, label, numeric: true, value: (row) => row[key], cell: (row) => number(row[key], score(row[key])) });

const table = new Table({ label: 'Leaderboard', id: (row) => `${row.tune_id} ${row.run_id}`, columns: [
  { key: 'rank', label: 'Rank', numeric: true, value: (row) => row.rank, cell: (row) => integer(row.rank) },
  { key: 'strategy', label: 'Tune', value: (row) => row.strategy_name, cell: (row) => [
    el('a', { href: `${addressOf(row.tune_id)}#run=${row.run_id}` }, row.strategy_name ?? 'unnamed strategy'), el('span', { class: 'sub nowrap', title: row.tune_id }, el('code', {}, shortId(row.tune_id)), ` ${row.objective_type}`)] },
  scoreColumn('objective_score', 'Objective score'), scoreColumn('score_is', 'In sample'), scoreColumn('score_oos', 'Out of sample'),
  { key: 'gap', label: 'Overfit gap', value: (row) => row.overfit_gap, cell: (row) => gapBadge(row.overfit_gap) ?? '–' },
  { key: 'params', label: 'Parameters', class: 'params', sort: false, value: (row) => row.params, cell: (row) => el('span', { title: exactly(row.params) }, params(row.params)) },
  ...metricColumns,
  { key: 'created', label: 'Created', class: 'nowrap', value: (row) => row.created_at, cell: (row) => time(row.created_at) },
] });
const pager = new Pager(LIMIT, load);

async function load(offset) {
  const question = asked = {};
  byId('csv').href = address('/backtests/leaderboard', { ...filters.values, format: 'csv' });
  if (!table.items.length) showLoading(place);
  try {
    const list = await get('/backtests/leaderboard', { ...filters.values, limit: LIMIT, offset });
    if (question === asked) show(list);
  } catch (problem) {
    if (question === asked) showProblem(place, problem, () => load(offset));
  }
}

function show({ items, offset, total }) {
  table.show(items);
  pager.show(offset, items.length, total);
  byId('csv-note').textContent = total > CSV_LIMIT ? `The CSV has the best ${CSV_LIMIT}.` : '';
  if (items.length) showContent(place, table.node, pager.node);
  else if (!filters.isEmpty) showEmpty(place, 'No trial fits these filters.', 'Clear them, or choose others.');
  else showEmpty(place, 'No tune has a valid trial yet.', el('a', { class: 'button primary', href: '/admin/backtests/new' }, 'Start a tune'));
}

filters.addStrategies().catch(() => {});
load(0);
