// Asks before something is done that cannot be undone. Resolves with whether it is wanted.
import { el } from './dom.js';

export function confirm({ title, text, yes, danger = false }) {
  return new Promise((resolve) => {
    const button = (value, kind, words) => el('button', { class: `button ${kind}`, value, type: 'submit' }, words);
    const dialog = el('dialog', { 'aria-labelledby': 'dialog-title' },
      el('form', { method: 'dialog' },
        el('h2', { id: 'dialog-title' }, title), el('p', {}, text),
        el('div', { class: 'row' }, button('no', '', 'Keep'), button('yes', danger ? 'danger' : 'primary', yes))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
