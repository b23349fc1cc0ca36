// One tune: how far it is, what came of it, and the parts that show its trials.
import { act } from './act.js';
import { get, post, remove } from './api.js';
import { Asked } from './asked.js';
import { isOver, tuneBadge, tuneSentence, validityBadges, verdictBadge } from './badges.js';
import { confirm } from './dialog.js';
import { announce, byId, debounce, el, toast } from './dom.js';
import { Explanation } from './explain.js';
import { age, exactly, fixed, integer, params, percent, plain, score, time } from './format.js';
import { HeatMap } from './heatmap.js';
import { Leaders } from './leaders.js';
import { Live } from './live.js';
import { showContent, showLoading, showProblem } from './panel.js';
import { Curve, Scatter, readPoints } from './tune_charts.js';
import { Trial } from './trial.js';
import { Trials } from './trials.js';
import { isDoubtful, isLate, progressBar, withProgress } from './tune_view.js';

const id = location.pathname.split('/').at(-1);
const path = `/backtests/tunes/${id}`;
let tune = null, isLoading = false, wasMissed = false, shownTrials = null;
let isGone = false; // deleted here: nothing more is asked about it

const trial = new Trial();
const choose = (runId) => trial.open(runId);
const leaders = new Leaders(byId('leaders'), byId('leaders-note'), choose);
const curve = new Curve(byId('curve'), byId('curve-note'), choose);
const scatter = new Scatter(byId('scatter'), byId('scatter-note'), choose);
const heat = new HeatMap(byId('heat'), byId('heat-form'), byId('heat-note'), choose);
const explanation = new Explanation(path), request = new Asked(path);
const trials = new Trials(path, byId('trials'), byId('trials-note'), choose);

/* --- what is known of it ------------------------------------------------------------------ */

const fact = (name, value, more = null, isWide = false) =>
  el('div', { class: isWide ? 'wide' : null }, el('dt', {}, name), el('dd', {}, value, more && el('small', {}, more)));

function overfitFacts(overfit) {
  const { pbo, deflated_sharpe: deflated, why } = overfit, verdict = verdictBadge(overfit);
  return [
    verdict && fact('Verdict', verdict, why.join(' '), true),
    fact('Overfitting (PBO)', el('span', { title: String(pbo) }, fixed(pbo, 2)), pbo === null ? 'too few trials to tell' : 'probability that it is luck'),
    fact('Deflated Sharpe', el('span', { title: String(deflated) }, fixed(deflated, 2)), 'probability that it is no luck'),
  ];
}

// A gate that is switched off is null.
function gatesFact({ max_drawdown_pct: drawdown, min_trades: trades, evaluated_on: where }, isSplit) {
  const list = [trades === null ? 'any number of trades' : `at least ${plain(trades)} trades`, where === 'oos' ? 'out of sample' : isSplit ? 'in sample' : 'all bars'];
  return fact('Gates', drawdown === null ? 'any drawdown' : `drawdown ≤\u00a0${plain(drawdown)}\u00a0%`, list.join(' · '));
}

function dataFact({ bars, first, last, timeframe, sha256 }) {
  return fact('Price data', `${integer(bars)} bars`, [
    timeframe, first && `${first.slice(0, 10)} to ${last.slice(0, 10)}`, sha256 && `SHA-256 ${sha256.slice(0, 12)}…`].filter(Boolean).join(' · '), true);
}

function timingFact(timing) {
  const part = (name, ms) => typeof ms === 'number' && `${name} ${age(ms / 1000)}`;
  return fact('Took', age(timing.search_ms / 1000), [
    part('waited', timing.queued_ms), part('read', timing.parse_ms), part('stored', timing.persist_ms)].filter(Boolean).join(' · '));
}

function facts() {
  const { counts, gates } = tune;
  return [
    fact('Best score', el('span', { title: String(tune.best_score ?? '') }, score(tune.best_score)), tune.objective_type),
    fact('Best parameters', el('span', { title: exactly(tune.best_params) }, params(tune.best_params)), null, true),
    isOver(tune.status) && fact('Trials passed', integer(counts.completed), `${integer(counts.skipped)} rejected · ${integer(counts.failed)} failed`),
    fact('Search', tune.search_type, tune.oos_ratio === null ? 'no out-of-sample part' : `${percent(tune.oos_ratio * 100, 0)} out of sample`),
    ...(tune.overfit ? overfitFacts(tune.overfit) : []),
    gates && gatesFact(gates, tune.oos_ratio !== null),
    tune.dataset && dataFact(tune.dataset),
    tune.timing && timingFact(tune.timing),
    fact('Created', time(tune.created_at)),
    tune.finished_at && fact('Ended', time(tune.finished_at)),
  ].filter(Boolean);
}

function notices() {
  const list = [];
  if (tune.error) list.push(el('div', { class: `notice ${tune.status === 'failed' ? 'error' : ''}` }, el('strong', {}, tune.error.code), el('span', {}, tune.error.detail)));
  if (tune.warnings?.length) list.push(el('div', { class: 'notice warn' }, el('ul', {}, tune.warnings.map((text) => el('li', {}, text)))));
  if (tune.rejections?.length)
    list.push(el('div', { class: `notice ${tune.counts.completed === 0 ? 'warn' : ''}`, id: 'rejections' },
      el('strong', {}, tune.counts.completed === 0 ? 'No trial passed the gates, so there is no winner.' : 'Rejected trials'),
      el('ul', {}, tune.rejections.map(({ text }) => el('li', {}, `${text}.`)))));
  return list;
}

// What failed, or was canceled before its first trial, has no result: there is nothing to show but why.
const isWithoutResult = () => tune.status === 'failed' || (tune.status === 'canceled' && tune.trials_completed === 0);

// A tune that is tried again has them again. These two come and go by themselves.
function showPanels(isShown) {
  for (const panel of document.querySelectorAll('main .panel:not(#trial-panel, #explain-panel)')) panel.hidden = !isShown;
}

function show() {
  const isEnded = isOver(tune.status);
  byId('title').textContent = tune.strategy_name ?? 'Tune';
  document.title = `${tune.status === 'running' ? `${Math.floor((100 * tune.progress.done) / Math.max(1, tune.progress.total))} % ` : ''}${tune.strategy_name ?? 'Tune'} · Tunemill`;
  byId('id').textContent = tune.tune_id;
  byId('status').replaceChildren(tuneBadge(tune));
  byId('badges').replaceChildren(...validityBadges(tune));
  byId('compare').href = `/admin/backtests/compare?tune_id=${tune.tune_id}`;
  byId('cancel').hidden = isEnded;
  byId('delete').hidden = !isEnded;
  byId('notices').replaceChildren(...notices());
  byId('compare').hidden = isWithoutResult();
  explanation.show(tune);
  showPanels(!isWithoutResult());
  if (isWithoutResult()) return;
  byId('progress').replaceChildren(progressBar(tune, { big: true }));
  showContent(byId('facts'), el('dl', { class: 'facts' }, facts()));
  request.show(tune);
  leaders.show(tune);
  if (!isEnded) curve.follow(tune);
}

/* --- its trials --------------------------------------------------------------------------- */

// They are stored when the tune ends: until then, only what the events say is there to show.
async function showTrials() {
  const stamp = `${tune.status} ${tune.finished_at}`;
  if (stamp === shownTrials) return;
  shownTrials = stamp;
  if (isWithoutResult()) return;
  trials.show(tune);
  if (!isOver(tune.status)) {
    for (const part of [scatter, heat]) part.wait();
    return;
  }
  try {
    const points = readPoints(await get(`${path}/points`));
    for (const part of [curve, scatter, heat]) part.show(tune, points);
  } catch (problem) {
    shownTrials = null;
    for (const part of [curve, scatter, heat]) part.fail(problem, showTrials);
  }
}

async function load() {
  if (isGone) return;
  isLoading = true;
  wasMissed = false;
  try {
    tune = await get(path);
    show();
    showTrials();
  } catch (problem) {
    if (!tune || problem.status === 404) showNothing(problem);
    else announce(problem.sentence ?? problem.message);
  }
  isLoading = false;
  if (wasMissed) load();
}

function showNothing(problem) {
  for (const section of document.querySelectorAll('main .panel')) section.hidden = section !== byId('facts').parentElement;
  byId('progress').replaceChildren();
  showProblem(byId('facts'), problem, load);
}

/* --- what happens, and what can be done --------------------------------------------------- */

const loadSoon = debounce(load, 300);

function onEvent(event, said) {
  if (said.tune_id !== id) return;
  if (isLoading || !tune) wasMissed = true;
  else if (event.endsWith('.deleted') || isDoubtful(event, tune)) loadSoon();
  else if (isLate(event, tune)) return;
  else if (event.endsWith('.progress')) progress(said);
  else ended(said);
}

function progress(said) {
  tune = withProgress(tune, said);
  show();
  if (said.leaders?.length) leaders.follow(said.leaders);
}

// The list's shape has no leaders: they are asked for.
function ended(said) {
  const was = tune.status;
  tune = { ...tune, ...said, leaderboard: tune.leaderboard };
  show();
  if (was !== tune.status) announce(tuneSentence(tune));
  loadSoon();
}

byId('cancel').addEventListener('click', (event) => act(event.target, async () => {
  await post(`${path}/cancel`);
  toast('The tune is canceled; what it had found stays.');
  await load();
}));
byId('delete').addEventListener('click', (event) => act(event.target, async () => {
  const isSure = await confirm({ title: 'Delete this tune?', text: `${tune.trials_completed.toLocaleString()} trials will be gone. The price data stays.`, yes: 'Delete', danger: true });
  if (!isSure) return;
  isGone = true;
  try {
    await remove(path);
  } catch (problem) {
    isGone = false;
    throw problem;
  }
  location.assign('/admin/backtests/tunes');
}));

showLoading(byId('facts'));
new Live({ topics: 'backtests', onEvent, onReload: load }).start();
trial.openFromAddress();
