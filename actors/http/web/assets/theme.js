// Before anything is drawn: the colour scheme that was chosen here last. No module, so that it
// runs at once; shell.js has the button.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem('tunemill.theme'); } catch { /* no storage: as the system says */ }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
