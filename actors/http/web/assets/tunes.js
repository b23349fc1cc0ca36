// The list of tunes, which keeps itself up to date.
import { act } from './act.js';
import { get, post, remove } from './api.js';
import { askedLines } from './asked.js';
import { isOver, tuneBadge, validityBadges } from './badges.js';
import { confirm } from './dialog.js';
import { announce, byId, debounce, el, toast } from './dom.js';
import { Filters, fits } from './filters.js';
import { exactly, number, params, plain, score, shortId, time } from './format.js';
import { Live } from './live.js';
import { showContent, showEmpty, showLoading, showProblem } from './panel.js';
import { Pager, Table } from './table.js';
import { addressOf, isDoubtful, isLate, progressBar, withProgress } from './tune_view.js';

const LIMIT = 50;
const place = byId('list');
const chosen = new Set();
let offset = 0, total = 0, loading = null;
const missed = new Set(); // tunes of which something was said while the list was loading

const filters = new Filters(byId('filters'), () => load(0));

const table = new Table({
  label: 'Tunes', id: (tune) => tune.tune_id,
  columns: [
    { key: 'compare', label: 'Compare', hush: true, value: () => 0, cell: chooser },
    { key: 'strategy', label: 'Tune', value: (tune) => tune.strategy_name, cell: (tune) => [
      el('a', { href: addressOf(tune.tune_id) }, tune.strategy_name ?? 'unnamed strategy'),
      el('span', { class: 'sub', title: tune.tune_id }, el('code', {}, shortId(tune.tune_id)))] },
    { key: 'status', label: 'Status', value: (tune) => tune.status, cell: (tune) => tuneBadge(tune, tune.error?.detail) },
    { key: 'progress', label: 'Progress', value: (tune) => tune.progress.done / Math.max(1, tune.progress.total), stamp: (tune) => [tune.status, tune.progress], cell: progressBar },
    { key: 'best', label: 'Best score', numeric: true, value: (tune) => tune.best_score, cell: (tune) => number(tune.best_score, score(tune.best_score)) },
    { key: 'params', label: 'Best parameters', class: 'params', sort: false, value: (tune) => tune.best_params, cell: (tune) => el('span', { title: exactly(tune.best_params) }, params(tune.best_params)) },
    { key: 'validity', label: 'Validity', sort: false, value: (tune) => [tune.status, tune.counts, tune.overfit, tune.warnings], cell: (tune) => el('div', { class: 'badges' }, validityBadges(tune)) },
    { key: 'objective', label: 'Objective', value: (tune) => `${tune.objective_type} ${tune.search_type} ${tune.oos_ratio}`, cell: (tune) => [
      el('span', { title: askedLines(tune.request) }, tune.objective_type), el('span', { class: 'sub nowrap', title: tune.oos_ratio === null ? 'no out-of-sample part' : 'share of the bars kept out of sample' }, tune.search_type, tune.oos_ratio === null ? '' : ` · ${plain(tune.oos_ratio * 100)}\u00a0% out`),
      el('span', { class: 'sub nowrap' }, `seed ${tune.request.seed}`)] },
    { key: 'created', label: 'Created', class: 'nowrap', value: (tune) => tune.created_at, cell: (tune) => time(tune.created_at) },
    { key: 'actions', label: 'Actions', hush: true, class: 'actions', value: (tune) => isOver(tune.status), cell: actions },
  ],
});
const pager = new Pager(LIMIT, (to) => load(to));

function chooser(tune) {
  const name = `Compare ${tune.strategy_name} ${shortId(tune.tune_id)}`;
  return el('input', { type: 'checkbox', 'aria-label': name, title: 'Compare', checked: chosen.has(tune.tune_id), on: { change: (event) => {
    if (event.target.checked) chosen.add(tune.tune_id); else chosen.delete(tune.tune_id);
    showCompare();
  } } });
}

function showCompare() {
  const link = byId('compare');
  link.hidden = chosen.size < 2;
  link.textContent = `Compare ${chosen.size} tunes`;
  link.href = `/admin/backtests/compare?${new URLSearchParams([...chosen].map((id) => ['tune_id', id]))}`;
}

function actions(tune) {
  const button = (word, fn) => el('button', {
    class: 'button quiet small', type: 'button', 'aria-label': `${word} ${tune.strategy_name} ${shortId(tune.tune_id)}`,
    on: { click: (event) => act(event.target, fn) },
  }, word);
  return isOver(tune.status) ? button('Delete', () => drop(tune)) : button('Cancel', () => cancel(tune));
}

async function cancel(tune) {
  await post(`/backtests/tunes/${tune.tune_id}/cancel`);
  toast('The tune is canceled; what it had found stays.');
  await reloadOne(tune.tune_id);
}

async function drop(tune) {
  const isSure = await confirm({
    title: 'Delete this tune?', yes: 'Delete', danger: true,
    text: `${tune.strategy_name ?? 'It'} and its ${tune.trials_completed.toLocaleString()} trials will be gone. The price data stays.`,
  });
  if (!isSure) return;
  await remove(`/backtests/tunes/${tune.tune_id}`);
  forget(tune.tune_id);
  toast('The tune is deleted.');
}

/* --- loading ------------------------------------------------------------------------------ */

function show(items) {
  table.show(items);
  pager.show(offset, items.length, total);
  if (items.length) showContent(place, table.node, pager.node);
  else if (!filters.isEmpty) showEmpty(place, 'No tune fits these filters.', 'Clear them, or choose others.');
  else showEmpty(place, 'No tune was started in this workspace yet.', el('a', { class: 'button primary', href: '/admin/backtests/new' }, 'Start the first one'));
}

// Answers that come late are of no interest: the newest question counts.
async function load(to = offset) {
  const question = loading = {};
  if (!table.items.length) showLoading(place);
  try {
    const list = await get('/backtests/tunes', { ...filters.values, limit: LIMIT, offset: to });
    if (question !== loading) return;
    loading = null;
    offset = list.offset;
    total = list.total;
    show(list.items);
    await catchUp();
  } catch (problem) {
    if (question !== loading) return;
    loading = null;
    if (table.items.length && !problem.needsSignIn) announce(problem.sentence ?? problem.message);
    else showProblem(place, problem, () => load(to));
  }
}

async function catchUp() {
  const ids = [...missed];
  missed.clear();
  await Promise.all(ids.map(reloadOne));
}

async function reloadOne(id) {
  try {
    take(await get(`/backtests/tunes/${id}`));
  } catch (problem) {
    if (problem.status === 404) forget(id);
  }
}

function forget(id) {
  const left = table.items.filter((tune) => tune.tune_id !== id);
  chosen.delete(id);
  showCompare();
  if (left.length === table.items.length) return;
  total--;
  show(left);
}

/* --- what happens ------------------------------------------------------------------------- */

const refill = debounce(() => load(), 1000);

// A tune as it is now, into the list, its place in it, or out of it.
function take(tune) {
  const isKnown = table.items.some(({ tune_id: id }) => id === tune.tune_id);
  if (!fits(tune, filters.values)) {
    if (isKnown) { forget(tune.tune_id); refill(); }
    return;
  }
  if (table.update(tune)) return;
  total++;
  if (offset > 0) { pager.show(offset, table.items.length, total); return; }
  show([tune, ...table.items].sort((a, b) => b.created_at.localeCompare(a.created_at)).slice(0, LIMIT));
  table.row(tune.tune_id)?.classList.add('fresh');
}

function onEvent(event, said) {
  const known = table.items.find(({ tune_id: id }) => id === said.tune_id);
  if (loading) missed.add(said.tune_id);
  else if (event.endsWith('.deleted')) forget(said.tune_id);
  else if (event.endsWith('.progress')) { if (known && !isLate(event, known)) take(withProgress(known, said)); }
  else if (known && isDoubtful(event, known)) reloadOne(said.tune_id);
  else if (!known || !isLate(event, known)) tell(event, said);
}

function tell(event, tune) {
  take(tune);
  if (isOver(tune.status)) announce(`The tune of ${tune.strategy_name} is ${tune.status}`);
}

showLoading(place);
filters.addStrategies().catch(() => {});
new Live({ topics: 'backtests', onEvent, onReload: () => load() }).start();
