// Keys that act wherever the focus is, but where text is typed: [{ key, words, run, repeats }].
// They can be turned off, for those whose speech or hands press them unasked.
import { inform } from './dialog.js';
import { el } from './dom.js';

const STORE = 'tunemill.keys';
const TYPED = 'input, textarea, select, [contenteditable], dialog';

function areOn() {
  try { return localStorage.getItem(STORE) !== 'off'; } catch { return true; }
}

function turn(isOn) {
  try { localStorage.setItem(STORE, isOn ? 'on' : 'off'); } catch { /* then they stay on */ }
}

export class Keys {
  constructor(rows) {
    this.rows = [...rows, { key: '?', words: 'this help', run: () => this.help() }];
    document.addEventListener('keydown', (event) => this.#pressed(event));
  }

  #pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !areOn()) return;
    if (event.target.closest(TYPED) || document.querySelector('dialog[open]')) return;
    const row = this.rows.find(({ key }) => key === event.key.toLowerCase());
    if (!row || (event.repeat && !row.repeats)) return;
    event.preventDefault();
    row.run();
  }

  help() {
    const box = el('input', { type: 'checkbox', checked: areOn(), on: { change: () => turn(box.checked) } });
    return inform({ title: 'Keys', content: [
      el('dl', { class: 'keys' }, this.rows.map(({ key, words }) => el('div', {}, el('dt', {}, el('kbd', {}, key)), el('dd', {}, words)))),
      el('label', { class: 'check' }, box, ' Keys of one letter are on')] });
  }
}
