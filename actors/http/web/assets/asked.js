// What a tune was asked, whole: every field with what stood for one that was not said, and the
// button that asks the same again.
import { act } from './act.js';
import { post } from './api.js';
import { byId, el } from './dom.js';
import { showContent } from './panel.js';
import { addressOf } from './tune_view.js';

const UNSAID = { param_space: "the strategy's own", oos_ratio: 'none', gates: "the server's", date_from: 'the first bar', date_to: 'the last bar', timezone: "the file's", symbol: 'the only one' };

const words = (name) => name.replaceAll('_', ' ');

function text(name, value) {
  if (value === null) return UNSAID[name] ?? '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

// [["seed", "1"], ...] in the order of the alphabet.
export const asked = (request) => Object.keys(request ?? {}).sort().map((name) => [words(name), text(name, request[name])]);

export const askedLines = (request) => asked(request).map(([name, value]) => `${name}: ${value}`).join('\n');

export class Asked {
  constructor(path) {
    byId('again').addEventListener('click', (event) => act(event.target, async () => {
      const { tune_id: id } = await post(`${path}/again`);
      location.assign(addressOf(id));
    }));
  }

  show({ request }) {
    byId('asked-panel').hidden = false;
    showContent(byId('asked'), el('dl', { class: 'facts' }, asked(request).map(([name, value]) =>
      el('div', { class: value.length > 24 ? 'wide' : null }, el('dt', {}, name), el('dd', {}, value)))));
  }
}
