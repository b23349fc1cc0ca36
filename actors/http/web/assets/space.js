// The space of a tune: for each parameter of a strategy a range, a list, or one value.
import { el } from './dom.js';
import { integer, plain } from './format.js';

const GRID_POINTS = 5; // of a range without a step
const MOST_VALUES = 1000;

export const listOf = (text) => text.split(/[\s,;]+/).filter((part) => part !== '').map(Number);

// How many values a grid takes from one entry of a param_space.
export function gridPoints(entry) {
  if (Array.isArray(entry)) return entry.length;
  const { min, max, step, type } = entry;
  if (step) return Math.floor((max - min) / step + 1e-9) + 1;
  return type === 'int' ? Math.min(GRID_POINTS, max - min + 1) : GRID_POINTS;
}

export function combinations(space) {
  return Object.values(space).reduce((product, entry) => product * gridPoints(entry), 1);
}

// What is wrong with an entry, or null.
export function fault(entry, { type, min, max }) {
  const isOff = (value) => !Number.isFinite(value) || value < min || value > max || (type === 'int' && !Number.isInteger(value));
  const bounds = `${type === 'int' ? 'whole numbers' : 'numbers'} from ${plain(min)} to ${plain(max)}`;
  if (Array.isArray(entry)) {
    if (entry.length === 0 || entry.length > MOST_VALUES) return `Write 1 to ${MOST_VALUES} values.`;
    return entry.some(isOff) ? `Write ${bounds}.` : null;
  }
  if (isOff(entry.min) || isOff(entry.max)) return `Write ${bounds}.`;
  if (entry.min > entry.max) return 'The range begins after its end.';
  if (entry.step !== undefined && !(entry.step > 0)) return 'A step is larger than 0, or left out.';
  return null;
}

class Param {
  constructor(name, spec, onChange) {
    Object.assign(this, { name, spec });
    const [low, high] = spec.search ?? [spec.min, spec.max];
    const box = (label, value, more = {}) => el('input', { type: 'number', step: spec.type === 'int' ? '1' : 'any', value: String(value), 'aria-label': `${name}: ${label}`, ...more });
    this.how = el('select', { 'aria-label': `${name}: how` }, ['range', 'list', 'one value'].map((word) => el('option', {}, word)));
    this.min = box('from', low);
    this.max = box('to', high);
    this.step = box('step', spec.step ?? '', { placeholder: 'any', min: '0', step: 'any' });
    this.list = el('input', { type: 'text', inputmode: 'decimal', 'aria-label': `${name}: values`, placeholder: '10, 20, 30', value: [...new Set([low, spec.default, high])].sort((a, b) => a - b).join(', ') });
    this.one = box('value', spec.default);
    this.error = el('span', { class: 'error', role: 'alert' });
    this.controls = el('td', {});
    this.points = el('td', { class: 'num' });
    for (const control of [this.how, this.min, this.max, this.step, this.list, this.one]) control.addEventListener('input', () => { this.#arrange(); onChange(); });
    this.#arrange();
  }

  #arrange() {
    const word = (text, control) => el('label', { class: 'field' }, text, control);
    const wanted = { range: [word('from', this.min), word('to', this.max), word('step', this.step)], list: [word('values', this.list)], 'one value': [word('value', this.one)] }[this.how.value];
    if (this.shown !== this.how.value) this.controls.replaceChildren(el('div', { class: 'space-row' }, wanted), this.error);
    this.shown = this.how.value;
  }

  get row() {
    const { type, min, max, default: standard } = this.spec;
    return el('tr', {}, el('th', { scope: 'row' }, el('strong', {}, this.name), el('span', { class: 'sub' }, `${type === 'int' ? 'whole, ' : ''}${plain(min)} to ${plain(max)}, usually ${plain(standard)}`)),
      el('td', {}, this.how), this.controls, this.points);
  }

  get entry() {
    if (this.how.value === 'list') return listOf(this.list.value);
    if (this.how.value === 'one value') return [this.one.valueAsNumber];
    const range = { min: this.min.valueAsNumber, max: this.max.valueAsNumber, type: this.spec.type };
    return this.step.value === '' ? range : { ...range, step: this.step.valueAsNumber };
  }

  // Whether it is right; says so, too.
  check(isGrid) {
    const found = fault(this.entry, this.spec);
    this.error.textContent = found ?? '';
    this.points.textContent = found ? '–' : isGrid || Array.isArray(this.entry) ? integer(gridPoints(this.entry)) : 'any';
    for (const control of this.controls.querySelectorAll('input')) control.setAttribute('aria-invalid', String(Boolean(found)));
    return !found;
  }
}

export class Space {
  #params = [];

  constructor(place, onChange) { Object.assign(this, { place, onChange }); }

  use(params) {
    this.#params = Object.entries(params ?? {}).map(([name, spec]) => new Param(name, spec, this.onChange));
    if (!this.#params.length) { this.place.replaceChildren(el('div', { class: 'state' }, el('p', {}, 'This strategy has no parameter to tune. Choose another.'))); return; }
    this.place.replaceChildren(el('div', { class: 'table-box' }, el('table', { class: 'space' }, el('caption', { class: 'hush' }, 'Values to try'),
      el('thead', {}, el('tr', {}, ['Parameter', 'As', 'Values'].map((head) => el('th', { scope: 'col' }, head)), el('th', { scope: 'col', class: 'num' }, 'How many'))),
      el('tbody', {}, this.#params.map((param) => param.row)))));
  }

  check(isGrid) { return this.#params.map((param) => param.check(isGrid)).every(Boolean); }
  get isEmpty() { return this.#params.length === 0; }
  get value() { return Object.fromEntries(this.#params.map((param) => [param.name, param.entry])); }
  focusFault() { this.place.querySelector('[aria-invalid="true"]')?.focus(); }
}
