// What stands in a panel while there is nothing to show: loading, nothing, or what went wrong.
import { signInAddress } from './api.js';
import { el } from './dom.js';

export function showLoading(place, text = 'Loading…') {
  place.replaceChildren(el('div', { class: 'state loading' }, el('p', {}, text)));
  place.setAttribute('aria-busy', 'true');
}

// Sentences and what to do next: nodes or texts.
export function showEmpty(place, ...sentences) {
  place.removeAttribute('aria-busy');
  place.replaceChildren(el('div', { class: 'state' }, sentences.map((sentence) => el('p', {}, sentence))));
}

export function showProblem(place, problem, again = null) {
  place.removeAttribute('aria-busy');
  place.replaceChildren(el('div', { class: 'state error', role: 'alert' },
    el('p', {}, problem.sentence ?? `This page has a fault: ${problem.message}. Load it again.`),
    el('div', { class: 'row center' },
      problem.needsSignIn && el('a', { class: 'button primary', href: signInAddress() }, 'Sign in'),
      again && el('button', { class: 'button', type: 'button', on: { click: again } }, 'Try again'))));
}

export function showContent(place, ...nodes) {
  place.removeAttribute('aria-busy');
  if (nodes.length !== place.children.length || nodes.some((node, i) => node !== place.children[i]))
    place.replaceChildren(...nodes);
}
