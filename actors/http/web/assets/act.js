// A button that does something: once at a time, and told if it fails. It keeps the focus.
import { toast } from './dom.js';

export async function act(button, fn) {
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  try {
    await fn();
  } catch (problem) {
    toast(problem.sentence ?? problem.message, 'error');
  } finally {
    button.removeAttribute('aria-busy');
  }
}
