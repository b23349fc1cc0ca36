// Several tunes side by side: what came of them, what differs in how they were made.
import { get } from './api.js';
import { statusBadge, verdictBadge } from './badges.js';
import { byId, el, toast } from './dom.js';
import { exactly, fixed, integer, number, params, percent, plain, score, shortId, time } from './format.js';
import { showEmpty, showLoading, showProblem } from './panel.js';
import { addressOf } from './tune_view.js';

const MOST = 8;
const place = byId('comparison'), form = byId('add');
let ids = [...new Set(new URLSearchParams(location.search).getAll('tune_id'))].slice(0, MOST);

function choose(next) {
  const query = new URLSearchParams(location.search);
  ids = next;
  query.delete('tune_id');
  for (const id of ids) query.append('tune_id', id);
  history.replaceState(null, '', `${location.pathname}?${query}`);
  load();
}

async function offer() {
  const select = form.elements.tune;
  try {
    const { items } = await get('/backtests/tunes', { limit: 100 });
    select.replaceChildren(el('option', { value: '' }, items.length ? 'choose' : 'there is none'), ...items.map((tune) =>
      el('option', { value: tune.tune_id }, `${tune.strategy_name ?? 'unnamed'} ${shortId(tune.tune_id)}, ${tune.status}, ${score(tune.best_score)}`)));
  } catch (problem) {
    select.replaceChildren(el('option', { value: '' }, 'could not be loaded'));
  }
}

/* --- the tables --------------------------------------------------------------------------- */

// What the larger, or the smaller, of the values is worth a mark.
function winners(values, best) {
  const numbers = values.filter((value) => typeof value === 'number');
  if (!best || numbers.length < 2 || new Set(numbers).size < 2) return () => false;
  const top = best === 'high' ? Math.max(...numbers) : Math.min(...numbers);
  return (value) => value === top;
}

function row(label, values, show, best = null) {
  const isBest = winners(values, best);
  return el('tr', {}, el('th', { scope: 'row' }, label), values.map((value) => el('td', { class: 'num' }, show(value), isBest(value) && el('span', { class: 'good-mark', title: 'the best of them' }, ' ★', el('span', { class: 'hush' }, ' best')))));
}

const verdict = (overfit) => verdictBadge(overfit) ?? '–';

function outcomes(tunes) {
  const of = (fn) => tunes.map(fn), s = (key) => of((tune) => tune.best_summary?.[key] ?? null);
  const show = (format) => (value) => number(value, format(value));
  return [
    row('Status', of((t) => t.status), (value) => statusBadge(value)),
    row('Best score', of((t) => t.best_score), show(score), new Set(of((t) => t.objective_type)).size === 1 ? 'high' : null),
    row('Best parameters', of((t) => t.best_params), (value) => el('span', { title: exactly(value) }, params(value))),
    row('Return', s('return_pct'), show((value) => percent(value)), 'high'), row('Max drawdown', s('max_drawdown_pct'), show((value) => percent(value)), 'high'),
    row('Sharpe', s('sharpe'), show((value) => fixed(value, 2)), 'high'), row('Profit factor', s('profit_factor'), show((value) => fixed(value, 2)), 'high'),
    row('Trades', s('trades'), show(integer)), row('Overfitting', of((t) => t.overfit), verdict),
    row('Trials', of((t) => t.trials_completed), show(integer)), row('Price data', of((t) => t.dataset), (value) => (value ? `${integer(value.bars)} bars, ${value.sha256?.slice(0, 8) ?? ''}` : '–')),
    row('Created', of((t) => t.created_at), time),
  ];
}

function head(tunes) {
  return el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, ''), tunes.map((tune) => el('th', { scope: 'col', class: 'num' },
    el('a', { href: addressOf(tune.tune_id) }, tune.strategy_name ?? 'unnamed'), ' ', el('code', { title: tune.tune_id }, shortId(tune.tune_id)), ' ',
    el('button', { class: 'button quiet small', type: 'button', 'aria-label': `Take out ${shortId(tune.tune_id)}`, title: 'Take out', on: { click: () => choose(ids.filter((id) => id !== tune.tune_id)) } }, '✕')))));
}

const LONG = 40;

function text(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return plain(value);
  const whole = typeof value === 'string' ? value : JSON.stringify(value);
  return whole.length > LONG ? `${whole.slice(0, LONG / 2)}…` : whole;
}

function panel(id, title, note, ...nodes) {
  return el('section', { class: 'panel', 'aria-labelledby': id }, el('div', { class: 'panel-head' }, el('h2', { id }, title), note && el('p', { class: 'note' }, note)), ...nodes);
}

function box(label, ...rows) {
  return el('div', { class: 'table-box', tabindex: '0', role: 'region', 'aria-label': label }, el('table', { class: 'side-by-side' }, el('caption', { class: 'hush' }, label), ...rows));
}

function show({ tunes, differences, common }) {
  const differing = Object.entries(differences), shared = Object.entries(common);
  place.replaceChildren(
    panel('outcome-title', 'Results', '★ the best of them', box('Results', head(tunes), el('tbody', {}, outcomes(tunes)))),
    panel('different-title', 'Differences', null, differing.length
      ? box('Differences', head(tunes), el('tbody', {}, differing.map(([name, values]) => row(name, values, (value) => el('span', { title: JSON.stringify(value) }, text(value))))))
      : el('div', { class: 'state' }, el('p', {}, 'Nothing: they were asked for in the same way.'))),
    panel('common-title', 'In common', null, el('dl', { class: 'facts' }, shared.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', { title: JSON.stringify(value) }, text(value)))))));
}

async function load() {
  if (ids.length < 2) {
    place.replaceChildren(el('section', { class: 'panel' }));
    showEmpty(place.firstChild, ids.length ? 'One tune is chosen. Add another to compare it with.' : 'No tune is chosen. Add two and more above, or mark them in the list of tunes.', el('a', { class: 'button', href: '/admin/backtests/tunes' }, 'Go to the list'));
    return;
  }
  if (!place.querySelector('table')) { place.replaceChildren(el('section', { class: 'panel' })); showLoading(place.firstChild); }
  const question = ids;
  try {
    const comparison = await get('/backtests/compare', { tune_id: ids });
    if (question === ids) show(comparison);
  } catch (problem) {
    if (question !== ids) return;
    place.replaceChildren(el('section', { class: 'panel' }));
    showProblem(place.firstChild, problem, load);
  }
}

form.addEventListener('submit', (event) => {
  const id = form.elements.id.value.trim().toLowerCase() || form.elements.tune.value;
  event.preventDefault();
  if (!id) toast('Choose a tune, or write its id.');
  else if (ids.includes(id)) toast('This tune is there already.');
  else if (ids.length === MOST) toast(`At most ${MOST} tunes can be compared. Take one out first.`, 'error');
  else choose([...ids, id]);
  form.elements.id.value = '';
});
offer();
load();
