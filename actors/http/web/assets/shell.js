// What every page has: where one is, the workspace, the colour scheme.
import { byId, el } from './dom.js';
import { isDefault, switchTo, workspace } from './workspace.js';

const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };

function markPage() {
  const links = [...document.querySelectorAll('.nav a')];
  const here = links.find((link) => link.pathname === location.pathname)
    ?? links.find((link) => location.pathname.startsWith(`${link.pathname}/`));
  here?.setAttribute('aria-current', 'page');
  here?.scrollIntoView({ block: 'nearest', inline: 'center' });
}

function showWorkspace() {
  byId('workspace-short').textContent = isDefault ? 'default' : workspace.slice(0, 8);
  byId('workspace-id').value = workspace;
  byId('workspace-form').addEventListener('submit', (event) => {
    event.preventDefault();
    switchTo(byId('workspace-id').value.trim());
  });
  byId('workspace-default').addEventListener('click', () => switchTo(null));
}

function closeMenu() {
  const menu = byId('workspace-menu');
  document.addEventListener('click', (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
}

function showTheme() {
  const root = document.documentElement, button = byId('theme');
  const chosen = () => root.dataset.theme ?? 'auto';
  const say = () => { button.replaceChildren(el('span', { class: 'theme-word' }, 'Theme:'), ` ${chosen()}`); };
  say();
  button.addEventListener('click', () => {
    const next = NEXT[chosen()];
    if (next === 'auto') delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem('tunemill.theme', next); } catch { /* for this page only */ }
    say();
    dispatchEvent(new Event('schemechange'));
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => dispatchEvent(new Event('schemechange')));
}

markPage();
showWorkspace();
closeMenu();
showTheme();
