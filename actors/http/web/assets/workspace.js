// Which workspace this page is about: the address says so, else the last one of this browser.
const DEFAULT = '00000000-0000-0000-0000-000000000001';
const KEY = 'tunemill.workspace';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const isUuid = (text) => UUID.test(text ?? '');

function remembered() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function settle() {
  const said = new URLSearchParams(location.search).get('workspace_id');
  if (isUuid(said)) return said.toLowerCase();
  return isUuid(remembered()) ? remembered() : DEFAULT;
}

export const workspace = settle();
export const isDefault = workspace === DEFAULT;

export function remember(id) {
  try { localStorage.setItem(KEY, id.toLowerCase()); } catch { /* then the address must say it */ }
}

// The same page in another one; what is of a tune or a run of this one stays behind.
export function switchTo(id) {
  const next = id && isUuid(id) ? id.toLowerCase() : DEFAULT;
  const path = location.pathname.replace(/(\/admin\/(backtests\/tunes|coverage\/cockpit))\/.*/, '$1');
  remember(next);
  location.assign(`${path}?workspace_id=${next}`);
}

remember(workspace);
