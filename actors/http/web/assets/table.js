// A table whose head sorts it and whose rows keep their elements, so that focus stays where it is
// while values change.
//
//   columns: [{ key, label, value(row), cell(row), numeric, class, sort: false, hush }]
//
// value is what a row is sorted by and what tells whether its cell must be drawn again; cell is
// what it shows, a node or a text (absent: the value). id(row) names a row.
import { arrange, el } from './dom.js';

const isNone = (value) => value === null || value === undefined || Number.isNaN(value);

function compare(a, b) {
  if (isNone(a) || isNone(b)) return 0;
  return typeof a === 'string' ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
}

export class Table {
  #columns; #id; #rows = new Map(); #items = []; #sorted = null; #heads = [];

  constructor({ label, columns, id, sorted = null, rowClass = null }) {
    this.#columns = columns;
    this.#id = id;
    this.#sorted = sorted;
    this.rowClass = rowClass;
    this.#heads = columns.map((column) => this.#head(column));
    this.body = el('tbody');
    this.node = el('div', { class: 'table-box', tabindex: '0', role: 'region', 'aria-label': label },
      el('table', {}, el('caption', { class: 'hush' }, label), el('thead', {}, el('tr', {}, this.#heads)), this.body));
    this.#markSorted();
  }

  #head(column) {
    const kind = column.numeric ? 'num' : null;
    if (column.hush) return el('th', { scope: 'col', class: kind }, el('span', { class: 'hush' }, column.label));
    if (column.sort === false) return el('th', { scope: 'col', class: kind, title: column.title }, column.label);
    return el('th', { scope: 'col', class: kind, title: column.title },
      el('button', { class: 'sort', type: 'button', on: { click: () => this.#turn(column) } }, column.label));
  }

  // Numbers from the largest, words from the first; then the other way; then as they came.
  #turn(column) {
    const first = column.numeric ? 'descending' : 'ascending';
    const then = column.numeric ? 'ascending' : 'descending';
    if (this.#sorted?.key !== column.key) this.#sorted = { key: column.key, order: first };
    else this.#sorted = this.#sorted.order === first ? { key: column.key, order: then } : null;
    this.#markSorted();
    this.#place();
  }

  #markSorted() {
    this.#columns.forEach((column, i) => {
      if (column.sort === false || column.hush) return;
      this.#heads[i].setAttribute('aria-sort', this.#sorted?.key === column.key ? this.#sorted.order : 'none');
    });
  }

  get items() { return this.#items; }

  show(items) {
    this.#items = [...items];
    const ids = new Set(items.map(this.#id));
    for (const id of [...this.#rows.keys()]) if (!ids.has(id)) this.#rows.delete(id);
    for (const item of items) this.#draw(item);
    this.#place();
  }

  // One row that is there already, anew; false: it is not there.
  update(item) {
    const id = this.#id(item), at = this.#items.findIndex((other) => this.#id(other) === id);
    if (at < 0) return false;
    this.#items[at] = item;
    this.#draw(item);
    if (this.#sorted) this.#place();
    return true;
  }

  row(id) { return this.#rows.get(id)?.node ?? null; }

  #draw(item) {
    const id = this.#id(item);
    let row = this.#rows.get(id);
    if (!row) {
      row = { node: el('tr'), stamps: [], cells: [] };
      row.cells = this.#columns.map((column) => el('td', { class: [column.numeric ? 'num' : '', column.class ?? ''].join(' ').trim() || null }));
      row.node.append(...row.cells);
      this.#rows.set(id, row);
    }
    row.node.className = this.rowClass?.(item) ?? '';
    this.#columns.forEach((column, i) => {
      const stamp = JSON.stringify(column.stamp ? column.stamp(item) : column.value(item));
      if (row.stamps[i] === stamp) return;
      row.stamps[i] = stamp;
      row.cells[i].replaceChildren(...[column.cell ? column.cell(item) : column.value(item) ?? '–'].flat());
    });
  }

  #ordered() {
    if (!this.#sorted) return this.#items;
    const column = this.#columns.find(({ key }) => key === this.#sorted.key);
    const sign = this.#sorted.order === 'ascending' ? 1 : -1;
    return [...this.#items].sort((a, b) => {
      const x = column.value(a), y = column.value(b);
      return isNone(x) - isNone(y) || sign * compare(x, y); // what is not there is last in any order
    });
  }

  #place() {
    arrange(this.body, this.#ordered().map((item) => this.#rows.get(this.#id(item)).node));
  }
}

// "1-50 of 230", and buttons to the neighbours. go(offset) loads.
export class Pager {
  constructor(limit, go) {
    this.limit = limit;
    this.words = el('span', { class: 'note' });
    this.before = el('button', { class: 'button small', type: 'button', on: { click: () => go(Math.max(0, this.offset - limit)) } }, 'Previous');
    this.after = el('button', { class: 'button small', type: 'button', on: { click: () => go(this.offset + limit) } }, 'Next');
    this.node = el('div', { class: 'panel-foot pager' }, this.words, el('span', { class: 'push' }), this.before, this.after);
    this.node.hidden = true;
  }

  show(offset, count, total) {
    const format = (value) => value.toLocaleString();
    this.offset = offset;
    this.node.hidden = total === 0;
    this.words.textContent = count === 0 ? `None of ${format(total)} here` : `${format(offset + 1)}–${format(offset + count)} of ${format(total)}`;
    this.before.disabled = offset === 0;
    this.after.disabled = offset + count >= total;
  }
}
