// The health page, whose cards the server makes: loaded anew when it says that something changed.
import { signInAddress } from './api.js';
import { announce, byId, el } from './dom.js';
import { Live } from './live.js';

let isAsking = false, isDue = false;

function complain(...words) {
  byId('trouble')?.remove();
  byId('health').prepend(el('p', { class: 'notice error', id: 'trouble' }, ...words));
}

async function load() {
  const response = await fetch(location.pathname, { credentials: 'same-origin' });
  if (response.status === 401 || response.status === 403) {
    complain(el('a', { href: signInAddress() }, 'Sign in'), ' to see how it is now.');
    return;
  }
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('health');
  const before = byId('health').dataset.overall;
  byId('health').replaceWith(document.adoptNode(fresh));
  if (fresh.dataset.overall !== before) announce(`Health is ${fresh.dataset.overall}`);
}

// One question at a time; what changes meanwhile is asked for after it.
async function refresh() {
  isDue = true;
  if (isAsking) return;
  isAsking = true;
  while (isDue) {
    isDue = false;
    try {
      await load();
    } catch {
      complain('The server cannot be asked; what stands here is of before.');
    }
  }
  isAsking = false;
}

new Live({ topics: 'system.health', onEvent: refresh, onReload: refresh }).start();
