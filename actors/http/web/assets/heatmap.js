// Scores by two parameters, as a table: read out cell by cell, walked through with the arrow keys.
import { el } from './dom.js';
import { integer, plain, score } from './format.js';
import { showContent, showEmpty, showProblem } from './panel.js';
import { sampleNote } from './tune_charts.js';

const MOST_VALUES = 24, BINS = 12;

function wholeAxis(low, high) {
  const width = Math.ceil((high - low + 1) / BINS), count = Math.ceil((high - low + 1) / width);
  const label = (from) => (width === 1 ? String(from) : `${from}–${Math.min(high, from + width - 1)}`);
  return { labels: Array.from({ length: count }, (_, i) => label(low + i * width)), at: (value) => Math.floor((value - low) / width) };
}

// The values of a parameter as rows or columns: each of its own, or ranges where there are many.
function axisOf(trials, name) {
  const values = [...new Set(trials.map((trial) => trial.params[name]))].filter((value) => value !== null).sort((a, b) => a - b);
  if (values.length <= MOST_VALUES) return { labels: values.map(plain), at: (value) => values.indexOf(value) };
  const low = values[0], high = values.at(-1);
  if (values.every(Number.isInteger)) return wholeAxis(low, high);
  const width = (high - low) / BINS;
  return {
    labels: Array.from({ length: BINS }, (_, i) => `${plain(low + i * width)}–${plain(low + (i + 1) * width)}`),
    at: (value) => Math.min(BINS - 1, Math.floor((value - low) / width)),
  };
}

function cellsOf(trials, x, y, names) {
  const cells = new Map();
  for (const trial of trials) {
    const key = `${y.at(trial.params[names.y])} ${x.at(trial.params[names.x])}`;
    if (!cells.has(key)) cells.set(key, { count: 0, sum: 0, best: null });
    const cell = cells.get(key);
    cell.count++;
    cell.sum += trial.score;
    if (!cell.best || trial.score > cell.best.score) cell.best = trial;
  }
  return cells;
}

export class HeatMap {
  #points = null;

  constructor(place, form, note, choose) {
    Object.assign(this, { place, form, note, choose });
    form.addEventListener('change', () => this.#draw());
    form.addEventListener('submit', (event) => event.preventDefault());
  }

  wait() {
    this.form.hidden = true;
    this.note.textContent = '';
    showEmpty(this.place, 'Trials are stored when the tune ends: this appears then.');
  }

  fail(problem, again) { showProblem(this.place, problem, again); }

  show(tune, points) {
    const scored = points.trials.filter((trial) => trial.status !== 'failed' && trial.score !== null);
    const many = points.names.filter((name) => new Set(scored.map((trial) => trial.params[name])).size > 1);
    this.#points = { ...points, scored };
    this.note.textContent = sampleNote(points);
    this.form.hidden = many.length < 1;
    if (!scored.length) showEmpty(this.place, 'No trial has a score.');
    else if (many.length < 1) showEmpty(this.place, 'Every trial has the same parameters: there is nothing to compare.');
    else this.#offer(many);
  }

  #offer(names) {
    const { x, y } = this.form.elements;
    for (const [select, at] of [[x, 0], [y, Math.min(1, names.length - 1)]]) {
      const was = select.value;
      select.replaceChildren(...names.map((name) => el('option', {}, name)));
      select.value = names.includes(was) ? was : names[at];
    }
    this.#draw();
  }

  #draw() {
    const names = { x: this.form.elements.x.value, y: this.form.elements.y.value }, of = this.form.elements.of.value;
    const { scored } = this.#points, x = axisOf(scored, names.x), y = axisOf(scored, names.y);
    const cells = cellsOf(scored, x, y, names), value = (cell) => (of === 'best' ? cell.best.score : cell.sum / cell.count);
    const all = [...cells.values()].map(value), range = { low: Math.min(...all), high: Math.max(...all) };
    const row = (label, i) => el('tr', {}, el('th', { scope: 'row' }, label),
      x.labels.map((_, j) => this.#cell(cells.get(`${i} ${j}`), value, range, `${names.x} ${x.labels[j]}, ${names.y} ${label}`)));
    const table = el('table', { class: 'heat' },
      el('caption', { class: 'hush' }, `${of === 'best' ? 'Best' : 'Mean'} score by ${names.x} (across) and ${names.y} (down)`),
      el('thead', {}, el('tr', {}, el('th', {}, `${names.y} ↓  ${names.x} →`), x.labels.map((label) => el('th', { scope: 'col', class: 'num' }, label)))),
      el('tbody', {}, y.labels.map(row)));
    this.#walk(table);
    showContent(this.place, el('div', { class: 'table-box', role: 'region', 'aria-label': 'Score by two parameters', tabindex: '-1' }, table),
      el('div', { class: 'panel-foot' }, el('span', { class: 'scale' }, score(range.low), el('i', { 'aria-hidden': 'true' }), score(range.high)),
        el('span', { class: 'note' }, 'The framed cell is the best one. A cell shows its best trial when pressed; the arrow keys go from cell to cell.')));
  }

  #cell(cell, value, { low, high }, where) {
    if (!cell) return el('td', { class: 'none' }, el('span', { class: 'hush' }, 'no trial'), el('span', { 'aria-hidden': 'true' }, '·'));
    const shown = value(cell), heat = high > low ? (100 * (shown - low)) / (high - low) : 100;
    const title = `${where}: ${score(shown)}, ${integer(cell.count)} trial${cell.count === 1 ? '' : 's'}`;
    const node = el('td', { class: [heat > 55 ? 'hot' : '', shown === high ? 'best' : ''].join(' ').trim() || null },
      el('button', { type: 'button', title, 'aria-label': title, tabindex: '-1', on: { click: () => this.choose(cell.best.run_id) } }, score(shown)));
    node.style.setProperty('--heat', heat.toFixed(1));
    return node;
  }

  // One stop for the tab key; the arrows go on from there.
  #walk(table) {
    const grid = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((cell) => cell.querySelector('button')));
    const first = table.querySelector('.best button') ?? table.querySelector('td button');
    first?.setAttribute('tabindex', '0');
    table.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      let i = grid.findIndex((row) => row.includes(event.target)), j = grid[i]?.indexOf(event.target) ?? -1;
      if (!step || i < 0) return;
      event.preventDefault();
      do { i += step[0]; j += step[1]; } while (grid[i]?.[j] === null);
      const next = grid[i]?.[j];
      if (!next) return;
      event.target.setAttribute('tabindex', '-1');
      next.setAttribute('tabindex', '0');
      next.focus();
    });
  }
}
