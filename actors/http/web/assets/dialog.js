// Dialogs, which take the focus until they are closed.
import { el } from './dom.js';

function show(dialog, fn) {
  dialog.addEventListener('close', () => {
    dialog.remove();
    fn(dialog.returnValue);
  });
  document.body.append(dialog);
  dialog.showModal();
}

// Asks before something is done that cannot be undone. Resolves with whether it is wanted.
export function confirm({ title, text, yes, danger = false }) {
  return new Promise((resolve) => {
    const button = (value, kind, words) => el('button', { class: `button ${kind}`, value, type: 'submit' }, words);
    const dialog = el('dialog', { 'aria-labelledby': 'dialog-title' },
      el('form', { method: 'dialog' },
        el('h2', { id: 'dialog-title' }, title), el('p', {}, text),
        el('div', { class: 'row' }, button('no', '', 'Keep'), button('yes', danger ? 'danger' : 'primary', yes))));
    show(dialog, (value) => resolve(value === 'yes'));
  });
}

// Says something, until it is closed. content: nodes.
export function inform({ title, content }) {
  return new Promise((resolve) => {
    show(el('dialog', { 'aria-labelledby': 'dialog-title' },
      el('form', { method: 'dialog' },
        el('h2', { id: 'dialog-title' }, title), content,
        el('div', { class: 'row' }, el('button', { class: 'button primary', type: 'submit', autofocus: true }, 'Close')))), resolve);
  });
}
