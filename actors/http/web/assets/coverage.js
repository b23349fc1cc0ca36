// The coverage cockpit: the queue of weak runs, the one that is chosen, and the keys for both. What
// happens to a run, here or elsewhere, is shown as it happens.
import { signInAddress } from './api.js';
import { announce, byId, el, toast } from './dom.js';
import { Detail } from './coverage_detail.js';
import { Queue } from './coverage_queue.js';
import { MOST, Runs } from './coverage_runs.js';
import { TABS, cut } from './coverage_words.js';
import { plural } from './format.js';
import { Keys } from './keys.js';
import { Live } from './live.js';
import { showContent, showEmpty, showLoading, showProblem } from './panel.js';
import { isDefault, isUuid, workspace } from './workspace.js';

const BASE = '/admin/coverage/cockpit';
const SOON_MS = 250, EASE = 5; // where the answer takes long: so many times as long
const place = byId('queue'), runs = new Runs();
let tab = null, selected = null, loadedAt = null, isLoading = false, wasMissed = false, isDue = false, took = 0, revealed = null;

/* --- where one is ------------------------------------------------------------------------- */

function addressOf(id, status = null) {
  const query = new URLSearchParams({ ...(status && status !== 'open' && { status }), ...(!isDefault && { workspace_id: workspace }) });
  return `${BASE}${id ? `/${id}` : ''}${query.size ? `?${query}` : ''}`;
}

function readAddress() {
  const id = location.pathname.slice(BASE.length + 1).toLowerCase(), status = new URLSearchParams(location.search).get('status');
  selected = isUuid(id) ? id : null;
  tab = Object.hasOwn(TABS, status ?? '') ? status : null;
}

function writeAddress(way) {
  const address = addressOf(selected, tab);
  if (address !== location.pathname + location.search) history[way](null, '', address);
}

/* --- showing ------------------------------------------------------------------------------ */

const tabs = Object.entries(TABS).map(([status, { word }]) => {
  const count = el('span', { class: 'count' });
  return { status, count, button: el('button', { role: 'tab', type: 'button', id: `tab-${status}`, 'aria-controls': 'queue', on: { click: () => openTab(status) } }, word, ' ', count) };
});

function showTabs() {
  for (const { status, count, button } of tabs) {
    const isChosen = status === (tab ?? 'open');
    count.textContent = runs.hasLoaded ? `${runs.of(status).length}${runs.isFull(status) ? '+' : ''}` : '';
    button.setAttribute('aria-selected', String(isChosen));
    button.tabIndex = isChosen ? 0 : -1;
  }
  place.setAttribute('aria-labelledby', `tab-${tab ?? 'open'}`);
  document.title = `${runs.hasLoaded ? `(${runs.of('open').length}) ` : ''}Coverage · Tunemill`;
}

function showQueue(fresh) {
  const items = runs.of(tab), had = place.contains(document.activeElement);
  queue.show(items, selected, tab, fresh);
  if (items.length) showContent(place, queue.node);
  else showEmpty(place, ...TABS[tab].none);
  if (had && !place.contains(document.activeElement)) place.focus();
  if (revealed !== `${tab} ${selected}`) queue.reveal(selected);
  revealed = `${tab} ${selected}`;
  byId('queue-foot').hidden = !runs.isFull(tab);
  byId('queue-note').textContent = `The ${MOST} most urgent${tab === 'all' ? ' of each status' : ''}.`;
}

function showDetail() {
  const run = runs.get(selected);
  byId('cockpit').classList.toggle('has-run', selected !== null);
  if (run) detail.show(run, runs.candidates(run));
  else if (selected) detail.showGone(() => choose(null));
  else detail.showNothing('No run is chosen', runs.of('all').length ? 'Choose one in the queue, or press j.' : 'There is none to choose yet.');
}

function show(fresh = []) {
  if (runs.hasLoaded) tab ??= runs.get(selected)?.coverage_status ?? 'open';
  showTabs();
  if (!runs.hasLoaded) return;
  showQueue(fresh);
  showDetail();
}

/* --- choosing ----------------------------------------------------------------------------- */

const queue = new Queue((id) => { choose(id); if (isNarrow()) byId('detail-title').focus(); }, (id) => addressOf(id));
const detail = new Detail({ onTaken: take });

// One column: the queue, or the run.
const isNarrow = () => getComputedStyle(byId('back')).display !== 'none';

function choose(id, way = 'pushState') {
  const left = selected, isBack = id === null && isNarrow();
  selected = id;
  writeAddress(way);
  show();
  if (isBack) queue.focus(left);
  else if (id && byId('detail').getBoundingClientRect().top < 0) byId('detail-title').scrollIntoView();
}

function openTab(status) {
  tab = status;
  writeAddress('replaceState');
  show();
}

function step(by) {
  const id = queue.neighbour(by);
  if (!id) return;
  choose(id, 'replaceState');
  if (isNarrow()) byId('detail-title').focus(); else queue.focus(id);
}

// What needs a run that is chosen.
const withRun = (fn) => () => { if (detail.run) fn(); else toast('Choose a run first: j goes to the next.'); };

const keys = new Keys([
  { key: 'j', words: 'the next run', run: () => step(1), repeats: true },
  { key: 'k', words: 'the run before', run: () => step(-1), repeats: true },
  { key: 'a', words: 'acknowledge', run: withRun(() => detail.triage.pressAcknowledge()) },
  { key: 'r', words: 'resolve: asks for a candidate or a note; Ctrl+Enter sends, Esc closes', run: withRun(() => detail.triage.pressResolve()) },
  { key: 'u', words: 'undo the last change', run: () => detail.triage.pressUndo() },
  { key: 'e', words: 'explain the best candidate, or the one that has the focus', run: withRun(() => { if (!detail.explain()) toast('This run has no candidate to explain.'); }) },
]);

byId('tabs').append(...tabs.map(({ button }) => button));
byId('tabs').addEventListener('keydown', (event) => {
  const at = tabs.findIndex(({ button }) => button === event.target), last = tabs.length - 1;
  const to = { ArrowRight: at < last ? at + 1 : 0, ArrowLeft: at > 0 ? at - 1 : last, Home: 0, End: last }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  openTab(tabs[to].status);
  tabs[to].button.focus();
});
byId('help').addEventListener('click', () => keys.help());
byId('back').addEventListener('click', () => choose(null));
addEventListener('popstate', () => { readAddress(); show(); });

/* --- loading, and what happens ------------------------------------------------------------ */

// What is there stays, with what somebody may be writing: signing in is for another tab.
function complain(problem) {
  if (!runs.hasLoaded) {
    showProblem(place, problem, load);
    detail.showNothing('No run is shown', 'The queue could not be loaded.');
    return;
  }
  const text = problem.sentence ?? problem.message;
  byId('trouble').replaceChildren(el('p', { class: 'notice error' }, `${text} What stands here is of ${loadedAt.toLocaleTimeString()}.`,
    problem.needsSignIn && el('a', { class: 'button small', href: signInAddress(), target: '_blank' }, 'Sign in')));
  announce(text);
}

// What happens while it loads may be missing in what comes: then once more.
async function load() {
  if (isLoading) { wasMissed = true; return; }
  const began = performance.now();
  isLoading = true;
  wasMissed = false;
  try {
    const fresh = await runs.load();
    took = performance.now() - began;
    loadedAt = new Date();
    byId('trouble').replaceChildren();
    show(fresh);
    if (fresh.length) announce(fresh.length === 1 ? `A new weak run: ${cut(runs.get(fresh[0]).query_preview, 120)}` : `${plural(fresh.length, 'new weak run')}`);
  } catch (problem) {
    complain(problem);
  }
  isLoading = false;
  if (wasMissed) loadSoon();
}

// However many there are of them, the question is asked once in a while.
function loadSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => { isDue = false; load(); }, Math.max(SOON_MS, EASE * took));
}

function take(said) {
  const isKnown = runs.take(said);
  if (isLoading) wasMissed = true;
  if (isKnown) show();
  return isKnown;
}

function onEvent(event, said) {
  const was = runs.get(said.run_id)?.coverage_status;
  if (!take(said)) { loadSoon(); return; }
  const { coverage_status: now, query_preview: query } = runs.get(said.run_id);
  if (now !== was) announce(`Now ${now}: ${cut(query, 120)}`);
}

readAddress();
showTabs();
showLoading(place);
new Live({ topics: 'coverage', onEvent, onReload: load }).start();
