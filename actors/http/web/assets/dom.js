// Elements from values. Text is always text: nothing here reads HTML.

// el('a', { class: 'x', href: '/y', on: { click } }, 'text', child): null and false are left out.
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [event, fn] of Object.entries(value)) node.addEventListener(event, fn);
    else if (name === 'data') Object.assign(node.dataset, value);
    else if (name === 'class') node.className = value;
    else if (name in node && typeof value !== 'string') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

// For those who do not see the change: said once, when there is time.
export function announce(text) {
  const place = byId('announce');
  if (place && place.textContent !== text) place.textContent = text;
}

// A word that goes away by itself, after it could be read; with what can be done about it:
// { word, run }. Returns what takes it away before.
export function toast(text, kind = '', action = null) {
  const note = el('p', { class: `toast ${kind}` }, text);
  if (action) note.append(' ', el('button', { class: 'button small', type: 'button', on: { click: () => { note.remove(); action.run(); } } }, action.word));
  byId('toasts').append(note);
  setTimeout(() => note.remove(), kind === 'error' || action ? 12000 : 5000);
  return () => note.remove();
}

// The children in this order. Only what stands elsewhere is moved: what is moved loses the focus.
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...parent.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, i) => {
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
}

export function debounce(fn, ms) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...values), ms);
  };
}
