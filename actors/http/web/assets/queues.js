// Queues, workers, brokers and dead jobs; asked for again every two seconds while it is looked at.
import { act } from './act.js';
import { get, post } from './api.js';
import { badge } from './badges.js';
import { confirm } from './dialog.js';
import { announce, byId, el, toast } from './dom.js';
import { Filters } from './filters.js';
import { age, integer, number, plural, shortId, time } from './format.js';
import { showContent, showEmpty, showLoading, showProblem } from './panel.js';
import { Pager, Table } from './table.js';

const EVERY_MS = 2000, EASE = 5; // where the answer takes long: so many times as long, and no oftener
const LIMIT = 50;
const places = { queues: byId('queues'), workers: byId('workers'), brokers: byId('brokers'), dead: byId('dead') };
let offset = 0, seenAt = null, timer = 0, isStopped = false, asked = null, total = 0;

const filters = new Filters(byId('dead-filters'), () => { offset = 0; refresh(); });

/* --- tables ------------------------------------------------------------------------------- */

const count = (key, label, title = null) => ({ key, label, title, numeric: true, value: (queue) => queue[key], cell: (queue) => number(queue[key], integer(queue[key])) });

function action(word, label, fn, kind = 'quiet') {
  return el('button', { class: `button ${kind} small`, type: 'button', 'aria-label': label, on: { click: (event) => doThen(event.target, fn) } }, word);
}

const queueTable = new Table({ label: 'Queues', id: (queue) => queue.queue, columns: [
  { key: 'queue', label: 'Queue', value: (queue) => queue.queue, cell: (queue) => el('strong', {}, queue.queue) },
  { key: 'state', label: 'State', value: (queue) => queue.paused, cell: (queue) => (queue.paused ? badge('❚❚', 'warn', 'paused', queue.paused_at) : badge('▶', 'good', 'open')) },
  count('ready', 'Ready'), { key: 'oldest', label: 'Oldest ready', numeric: true, value: (queue) => queue.oldest_ready_seconds, cell: (queue) => age(queue.oldest_ready_seconds) },
  count('running', 'Running'), count('scheduled', 'Scheduled', 'to start at a time to come'), count('waiting', 'Waiting', 'for the jobs they have started'),
  { ...count('dead', 'Dead'), cell: (queue) => (queue.dead ? badge('✕', 'bad', integer(queue.dead)) : '0') },
  count('done_minute', 'Done, 1 min'), count('done_hour', 'Done, 1 h'),
  count('rejected_hour', 'Rejected, 1 h', 'they asked for what is wrong, and whoever asked was told why'),
  { key: 'limits', label: 'Limits', sort: false, value: (queue) => [queue.max_depth, queue.workspace_limit], cell: (queue) => el('span', { class: 'muted' }, [queue.max_depth && `holds ${integer(queue.max_depth)}`, queue.workspace_limit && `${integer(queue.workspace_limit)} running a workspace`].filter(Boolean).join(', ') || 'of the settings') },
  { key: 'actions', label: 'Actions', hush: true, class: 'actions', value: (queue) => queue.paused, cell: (queue) => (queue.paused
    ? action('Resume', `Resume ${queue.queue}`, () => turn(queue.queue, 'resume'), '') : action('Pause', `Pause ${queue.queue}`, () => turn(queue.queue, 'pause'), '')) },
] });

const workerTable = new Table({ label: 'Workers', id: (worker) => worker.worker, columns: [
  { key: 'worker', label: 'Worker', value: (worker) => worker.worker, cell: (worker) => el('code', { title: worker.worker }, shortId(worker.worker)) },
  { key: 'actor', label: 'Kind', value: (worker) => worker.actor },
  { key: 'state', label: 'State', value: (worker) => [worker.leaving, worker.used > 0].join(), cell: (worker) => (worker.leaving ? badge('↷', 'warn', 'leaving') : worker.used > 0 ? badge('◐', 'busy', 'busy') : badge('○', '', 'idle')) },
  { key: 'used', label: 'Jobs', numeric: true, value: (worker) => worker.used, stamp: (worker) => [worker.used, worker.credit], cell: (worker) => `${integer(worker.used)} of ${integer(worker.credit)}` },
  { key: 'queues', label: 'Queues', value: (worker) => (worker.queues ?? []).join(', ') },
  { key: 'software', label: 'Software', value: (worker) => worker.software },
] });

const BROKERS = { live: ['✓', 'good'], silent: ['△', 'warn'], gone: ['–', ''] };
const brokerTable = new Table({ label: 'Brokers', id: (broker) => broker.broker, columns: [
  { key: 'broker', label: 'Broker', value: (broker) => broker.broker, cell: (broker) => el('code', { title: broker.broker }, shortId(broker.broker)) },
  { key: 'state', label: 'State', value: (broker) => broker.state, cell: (broker) => badge(...BROKERS[broker.state], broker.state) },
  { key: 'workers', label: 'Workers', numeric: true, value: (broker) => broker.workers, cell: (broker) => integer(broker.workers) },
  { key: 'seen', label: 'Last heard', numeric: true, value: (broker) => broker.silent_seconds, cell: (broker) => age(broker.silent_seconds) },
  { key: 'started', label: 'Since', class: 'nowrap', value: (broker) => broker.started_at, cell: (broker) => time(broker.started_at) },
  { key: 'endpoint', label: 'Endpoint', class: 'wrap', value: (broker) => broker.endpoint, cell: (broker) => el('code', {}, broker.endpoint) },
] });

const deadTable = new Table({ label: 'Dead jobs', id: (job) => job.job, columns: [
  { key: 'job', label: 'Job', value: (job) => job.job, cell: (job) => el('code', { title: job.job }, shortId(job.job)) },
  { key: 'queue', label: 'Queue', value: (job) => job.queue },
  { key: 'code', label: 'Code', value: (job) => job.code, cell: (job) => badge('✕', 'bad', job.code) },
  { key: 'detail', label: 'Why', class: 'wrap', value: (job) => job.detail },
  { key: 'attempts', label: 'Attempts', numeric: true, value: (job) => job.attempts, cell: (job) => el('span', { title: `${job.failures} failed, ${job.crashes} crashed the worker` }, integer(job.attempts)) },
  { key: 'died', label: 'Died', class: 'nowrap', value: (job) => job.died_at, cell: (job) => time(job.died_at) },
  { key: 'workspace', label: 'Workspace', value: (job) => job.workspace, cell: (job) => el('code', { title: job.workspace }, shortId(job.workspace)) },
  { key: 'actions', label: 'Actions', hush: true, class: 'actions', value: () => 0, cell: (job) => [
    action('Retry', `Retry job ${shortId(job.job)}`, () => one(job, 'retry'), ''), ' ', action('Drop', `Drop job ${shortId(job.job)}`, () => drop(job))] },
] });
const pager = new Pager(LIMIT, (to) => { offset = to; refresh(); });

/* --- what can be done --------------------------------------------------------------------- */

async function doThen(button, fn) {
  await act(button, fn);
  refresh();
}

async function turn(queue, what) {
  await post(`/admin/queues/${queue}/${what}`);
  toast(what === 'pause' ? `${queue} is paused: what runs goes on, nothing else starts.` : `${queue} goes on.`);
}

async function one(job, what) {
  await post(`/admin/dead/${job.job}/${what}`);
  toast(what === 'retry' ? 'The job is ready again.' : 'The job is dropped.');
}

async function drop(job) {
  const isSure = await confirm({ title: 'Drop this job?', text: `It died of ${job.code}: ${job.detail}. Its body is deleted with it.`, yes: 'Drop', danger: true });
  if (isSure) await one(job, 'drop');
}

// Of those that were seen: what died since is not meant.
async function all(what) {
  const { queue, code } = filters.values, words = plural(total, 'dead job');
  const isSure = await confirm({
    title: what === 'retry' ? `Retry ${words}?` : `Drop ${words}?`, yes: what === 'retry' ? 'Retry' : 'Drop', danger: what === 'drop',
    text: `All of ${queue}${code ? ` that died of ${code}` : ''} until ${new Date(seenAt).toLocaleTimeString()}${what === 'drop' ? ' are deleted with their bodies' : ''}.`,
  });
  if (!isSure) return;
  const { count: done } = await post(`/admin/dead/${what}`, { queue, code, before: seenAt });
  toast(`${plural(done, 'job')} ${what === 'retry' ? 'made ready again' : 'dropped'}.`);
}

/* --- looking ------------------------------------------------------------------------------ */

function table(place, shown, items, ...empty) {
  shown.show(items);
  if (items.length) showContent(place, shown.node); else showEmpty(place, ...empty);
}

function offerQueues(queues) {
  const select = byId('dead-filters').elements.queue, chosen = select.value;
  const names = [...new Set([...queues.filter(({ dead }) => dead > 0).map(({ queue }) => queue), chosen])].filter(Boolean).sort();
  if ([...select.options].slice(1).map(({ value }) => value).join() === names.join()) return;
  select.replaceChildren(el('option', { value: '' }, 'any'), ...names.map((name) => el('option', {}, name)));
  select.value = chosen;
}

function show({ at, queues, workers, brokers, dead }) {
  seenAt = at;
  total = dead.total;
  byId('at').replaceChildren('As of ', time(at));
  table(places.queues, queueTable, queues, 'No queue holds anything, and none has in the last hour.', 'A tune that is started shows up here at once.');
  table(places.workers, workerTable, workers, 'No worker is connected to a broker that lives.', 'Jobs wait until one is: start “tunemill tune”, or “tunemill up”.');
  table(places.brokers, brokerTable, brokers, 'No broker has used this database in the last hour.', 'Start “tunemill broker”, or “tunemill up”.');
  byId('workers-note').textContent = workers.length ? `${integer(workers.filter(({ used }) => used > 0).length)} of ${integer(workers.length)} busy` : '';
  deadTable.show(dead.items);
  pager.show(dead.offset, dead.items.length, dead.total);
  if (dead.items.length) showContent(places.dead, deadTable.node, pager.node);
  else showEmpty(places.dead, filters.isEmpty ? 'No job is dead.' : 'No dead job fits these filters.', filters.isEmpty ? 'What fails for good, or takes three workers with it, will stand here.' : 'Clear them, or choose others.');
  offerQueues(queues);
  for (const id of ['retry-all', 'drop-all']) {
    byId(id).disabled = !filters.values.queue || dead.total === 0;
    byId(id).title = filters.values.queue ? '' : 'Choose a queue first';
  }
}

function complain(problem) {
  if (seenAt === null || problem.needsSignIn) {
    for (const place of Object.values(places)) showProblem(place, problem, refresh);
    return;
  }
  const text = problem.sentence ?? problem.message;
  byId('trouble').replaceChildren(el('p', { class: 'notice error' }, `${text} What stands here is of ${new Date(seenAt).toLocaleTimeString()}.`));
  announce(text);
}

async function refresh() {
  const question = asked = {}, began = performance.now();
  clearTimeout(timer);
  try {
    const seen = await get('/admin/queues.json', { ...filters.values, limit: LIMIT, offset });
    if (question !== asked) return;
    byId('trouble').replaceChildren();
    show(seen);
  } catch (problem) {
    if (question !== asked) return;
    complain(problem);
  }
  if (!document.hidden && !isStopped) timer = setTimeout(refresh, Math.max(EVERY_MS, EASE * (performance.now() - began)));
}

document.addEventListener('visibilitychange', () => { if (document.hidden) clearTimeout(timer); else if (!isStopped) refresh(); });
byId('stop').addEventListener('click', ({ target }) => {
  isStopped = !isStopped;
  target.setAttribute('aria-pressed', String(isStopped));
  target.textContent = isStopped ? 'Refresh again' : 'Stop refreshing';
  if (isStopped) clearTimeout(timer); else refresh();
});
byId('retry-all').addEventListener('click', ({ target }) => doThen(target, () => all('retry')));
byId('drop-all').addEventListener('click', ({ target }) => doThen(target, () => all('drop')));

for (const place of Object.values(places)) showLoading(place);
refresh();
