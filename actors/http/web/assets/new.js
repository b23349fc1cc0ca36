// Starts a tune: a file, a strategy, a space. Sent twice it is one tune, for the form has a key
// of its own until something in it is changed.
import { get, upload } from './api.js';
import { READING, describe, inspect, refuse } from './data_report.js';
import { byId, el } from './dom.js';
import { bytes, integer, plural } from './format.js';
import { Space, combinations } from './space.js';
import { addressOf } from './tune_view.js';

const form = byId('form');
const uploadMb = Number(document.body.dataset.maxUploadMb), limits = JSON.parse(document.body.dataset.limits);
const PLAIN = ['strategy_entity_id', 'search_type', 'n_trials', 'seed', 'objective_type', 'oos_ratio', 'select_on', 'initial_cash', 'commission_bps', 'slippage_bps', 'fill', 'end_of_data', 'sizing', 'date_from', 'date_to', ...READING];
const FIRST = 'sma_cross'; // with the form as it is, it finds something on what most people have: an index' daily bars
const strategies = new Map();
const space = new Space(byId('space'), changed);
let key = null, isSending = false;

const control = (name) => form.elements[name];
const isGrid = () => control('search_type').value === 'grid';

function changed() {
  key = null;
  const isRight = space.check(isGrid());
  control('n_trials').disabled = isGrid(); // all of its points
  byId('lambda-field').hidden = !control('objective_type').value.endsWith('_dd_penalty');
  byId('space-note').textContent = isRight && !space.isEmpty ? spaceNote() : '';
}

function spaceNote() {
  if (!isGrid()) return 'Ranges are tried at any value, or at every step where one is given.';
  const points = combinations(space.value), most = limits.n_trials.max;
  if (points > most) return `The grid has ${plural(points, 'combination')}, more than the ${integer(most)} trials that this server allows. Make it smaller, or search at random.`;
  return `The grid has ${plural(points, 'combination')}: all are tried.`;
}

/* --- the file ----------------------------------------------------------------------------- */

let asked = 0;

// What the server understands of it; an answer that another choice has overtaken is dropped.
async function showFile() {
  const file = control('file').files[0], place = byId('peek'), turn = ++asked;
  if (!file) { place.replaceChildren(); return; }
  if (file.size > uploadMb * 1048576) {
    place.replaceChildren(el('br'), el('div', { class: 'notice error' }, `The file has ${bytes(file.size)}; this server takes ${uploadMb} MB. Cut it, or ask for a higher http.max_upload_mb.`));
    return;
  }
  place.replaceChildren(el('br'), el('p', { class: 'note' }, `Reading ${file.name}…`));
  let said;
  try {
    said = describe(file, await inspect(file, Object.fromEntries(READING.map((name) => [name, control(name).value]))));
  } catch (problem) {
    said = refuse(file, problem);
  }
  if (turn === asked) place.replaceChildren(el('br'), ...said);
}

function takeDrops() {
  const drop = byId('drop');
  for (const name of ['dragenter', 'dragover']) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add('over'); });
  for (const name of ['dragleave', 'drop']) drop.addEventListener(name, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    control('file').files = event.dataTransfer.files;
    control('file').dispatchEvent(new Event('change', { bubbles: true }));
  });
}

/* --- the strategy ------------------------------------------------------------------------- */

function showStrategy() {
  const spec = strategies.get(control('strategy_entity_id').value)?.spec;
  byId('about').textContent = spec ? [spec.description, spec.tags?.length ? `(${spec.tags.join(', ')})` : ''].filter(Boolean).join(' ') : '';
  space.use(spec?.params);
  changed();
}

async function loadStrategies() {
  const select = byId('strategy'), wanted = new URLSearchParams(location.search).get('strategy_entity_id');
  try {
    const { items } = await get('/strategies', { limit: 200 });
    for (const strategy of items) strategies.set(strategy.id, strategy);
    select.replaceChildren(...items.map(({ id, name }) => el('option', { value: id }, name)));
    const first = items.find(({ name }) => name === FIRST);
    if (strategies.has(wanted)) select.value = wanted;
    else if (first) select.value = first.id;
    if (!items.length) showErrors(['This workspace has no strategy. Put one into config/strategies, or send it to POST /strategies.']);
    showStrategy();
  } catch (problem) {
    select.replaceChildren(el('option', { value: '' }, 'could not be loaded'));
    showErrors([problem.sentence ?? problem.message], el('button', { class: 'button small', type: 'button', on: { click: () => { clearErrors(); loadStrategies(); } } }, 'Try again'));
  }
}

/* --- what is wrong ------------------------------------------------------------------------ */

function clearErrors() {
  byId('errors').replaceChildren();
  for (const marked of form.querySelectorAll('[aria-invalid="true"]')) if (!byId('space').contains(marked)) marked.removeAttribute('aria-invalid');
}

function showErrors(texts, ...more) {
  byId('errors').replaceChildren(el('div', { class: 'notice error', role: 'alert' }, texts.length > 1 ? el('ul', {}, texts.map((text) => el('li', {}, text))) : el('span', {}, texts[0]), ...more));
  byId('errors').focus();
  byId('errors').scrollIntoView({ block: 'nearest' });
}

const labelOf = (input) => input.labels?.[0]?.firstChild?.textContent.trim().replace(/:$/, '') || input.name;

// What the browser knows to be wrong, and what only we do.
function faults() {
  const texts = [];
  for (const input of form.elements) {
    if (byId('space').contains(input) || input.validity.valid) continue;
    input.setAttribute('aria-invalid', 'true');
    input.closest('details')?.setAttribute('open', '');
    texts.push(input.name === 'file' ? 'Choose a file with price data.' : `${labelOf(input)}: ${input.validationMessage}`);
  }
  if (space.isEmpty) texts.push('Choose a strategy that has parameters.');
  else if (!space.check(isGrid())) texts.push('The values to try are not right yet: see the parameters marked.');
  return texts;
}

function showProblem(problem) {
  for (const { loc } of problem.errors ?? []) {
    const input = form.elements[loc.replace(/^body\./, '')];
    input?.setAttribute?.('aria-invalid', 'true');
    input?.closest?.('details')?.setAttribute('open', '');
  }
  showErrors([problem.sentence ?? problem.message]);
}

/* --- sending ------------------------------------------------------------------------------ */

// An empty gate is switched off.
const numberOrNull = (name) => (control(name).value === '' ? null : control(name).valueAsNumber);

function payload() {
  const data = new FormData();
  for (const name of PLAIN) if (control(name).value !== '' && !(name === 'n_trials' && isGrid())) data.append(name, control(name).value);
  if (control('objective_type').value.endsWith('_dd_penalty')) data.append('objective_params', JSON.stringify({ dd_lambda: control('dd_lambda').valueAsNumber }));
  data.append('gates', JSON.stringify({ max_drawdown_pct: numberOrNull('gates.max_drawdown_pct'), min_trades: numberOrNull('gates.min_trades') }));
  const constraints = control('constraints').value.split(';').map((one) => one.trim()).filter(Boolean);
  if (constraints.length) data.append('constraints', JSON.stringify(constraints));
  data.append('param_space', JSON.stringify(space.value));
  data.append('file', control('file').files[0]);
  return data;
}

function showSending(sent, total) {
  const bar = byId('upload').querySelector('progress');
  byId('upload').hidden = false;
  bar.value = total ? sent / total : 0;
  byId('submit-note').textContent = total && sent < total ? `Sending: ${bytes(sent)} of ${bytes(total)}` : 'Sent; waiting for the tune to be accepted…';
}

// randomUUID is there only where the page came over TLS or from this machine.
function newKey() {
  return `page-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

async function send() {
  key ??= newKey();
  const { body } = await upload('/backtests/tune', payload(), { headers: { 'X-Idempotency-Key': key, Prefer: 'respond-async' }, onProgress: showSending });
  byId('submit-note').textContent = 'Accepted.';
  location.assign(addressOf(body.tune_id));
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (isSending) return;
  clearErrors();
  const texts = faults();
  if (texts.length) { showErrors(texts); return; }
  isSending = true;
  byId('submit').disabled = true;
  try {
    await send();
  } catch (problem) {
    byId('submit-note').textContent = '';
    showProblem(problem);
  }
  isSending = false;
  byId('submit').disabled = false;
  byId('upload').hidden = true;
});
form.addEventListener('input', changed);
control('file').addEventListener('change', () => { clearErrors(); showFile(); });
for (const name of READING) control(name).addEventListener('change', showFile);
byId('strategy').addEventListener('change', showStrategy);

// Least, most and default of the form's fields are the server's.
for (const [name, { min, max, default: standard }] of Object.entries(limits)) {
  const input = control(name);
  if (input?.type === 'number') Object.assign(input, { min, max });
  if (input && standard !== undefined) input.value = standard;
}
takeDrops();
loadStrategies();
