// The list of weak runs. One of its links is reached with Tab, the others with the arrow keys;
// whatever comes and goes, the focus stays, or passes to what took the place.
import { arrange, el } from './dom.js';
import { score, time } from './format.js';
import { coverageBadge, cut, priorityBadge, quoted, reasonWord } from './coverage_words.js';

const PREVIEW_MOST = 240;

export class Queue {
  #rows = new Map(); #items = []; #selected = null; #tab = null; #at = 0;

  // choose(id) opens a run; addressOf(id) is where it is.
  constructor(choose, addressOf) {
    Object.assign(this, { choose, addressOf });
    this.node = el('ol', { class: 'runs', role: 'list', 'aria-label': 'Weak runs, the most urgent first', on: {
      click: (event) => this.#clicked(event), keydown: (event) => this.#moved(event), focusin: (event) => this.#offer(event.target.closest('a')) } });
  }

  // fresh: ids of those that have just come.
  show(items, selected, tab, fresh = []) {
    const focused = this.node.contains(document.activeElement) ? document.activeElement : null;
    const was = this.#links().indexOf(focused);
    this.#forget(items);
    for (const run of items) this.#draw(run, run.run_id === selected, tab === 'all');
    arrange(this.node, items.map(({ run_id: id }) => this.#rows.get(id).node));
    for (const id of fresh) this.#rows.get(id)?.node.classList.add('fresh');
    this.#place(items, selected, tab);
    if (focused && document.activeElement !== focused) (focused.isConnected ? focused : this.#links()[Math.min(was, items.length - 1)])?.focus({ preventScroll: true });
    this.#offer(this.node.contains(document.activeElement) ? document.activeElement : this.#link(selected) ?? this.#links()[0]);
  }

  // The id of the one that stands so many places behind the selected one; of one that has left the
  // list, its place counts. Null: there is none.
  neighbour(by) {
    const isHere = this.#items.some(({ run_id: id }) => id === this.#selected);
    const to = isHere || by < 0 ? this.#at + by : this.#at + by - 1;
    return this.#items[to]?.run_id ?? null;
  }

  focus(id) { this.#link(id)?.focus(); }
  reveal(id) { this.#link(id)?.scrollIntoView({ block: 'nearest' }); }

  #links() { return [...this.node.querySelectorAll('a')]; }
  #link(id) { return this.#rows.get(id)?.link ?? null; }

  #forget(items) {
    const ids = new Set(items.map(({ run_id: id }) => id));
    for (const id of [...this.#rows.keys()]) if (!ids.has(id)) this.#rows.delete(id);
  }

  #place(items, selected, tab) {
    const at = items.findIndex(({ run_id: id }) => id === selected);
    if (at >= 0) this.#at = at;
    else this.#at = tab === this.#tab ? Math.min(this.#at, items.length) : 0;
    this.#items = items;
    this.#selected = selected;
    this.#tab = tab;
  }

  #draw(run, isSelected, hasStatus) {
    let row = this.#rows.get(run.run_id);
    if (!row) {
      const link = el('a', { class: 'run', tabindex: '-1', href: this.addressOf(run.run_id), data: { id: run.run_id } });
      row = { link, node: el('li', {}, link), stamp: '' };
      this.#rows.set(run.run_id, row);
    }
    if (isSelected) row.link.setAttribute('aria-current', 'true'); else row.link.removeAttribute('aria-current');
    const stamp = JSON.stringify([hasStatus && run.coverage_status, run.priority_score, run.best_score, run.weak_reason_codes, cut(run.query_preview, PREVIEW_MOST)]);
    if (row.stamp === stamp) return;
    row.stamp = stamp;
    row.link.replaceChildren(
      el('span', { class: 'run-head' }, priorityBadge(run.priority_score), hasStatus && coverageBadge(run.coverage_status), el('span', { class: 'push sub' }, time(run.created_at))),
      el('span', { class: 'run-query' }, quoted(run.query_preview, PREVIEW_MOST)),
      el('span', { class: 'sub' }, `best score ${score(run.best_score)} · ${run.weak_reason_codes.map(reasonWord).join(', ')}`));
  }

  // With a key that means another window or a copy, the link is a link.
  #clicked(event) {
    const link = event.target.closest('a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.choose(link.dataset.id);
  }

  #moved(event) {
    const links = this.#links(), at = links.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    links[to]?.focus();
  }

  #offer(link) {
    if (!link) return;
    for (const other of this.#links()) other.tabIndex = other === link ? 0 : -1;
  }
}
