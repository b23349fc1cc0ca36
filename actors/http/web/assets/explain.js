// A tune's winner in words: asked for by a button, and said whether a language model wrote them.
import { act } from './act.js';
import { post } from './api.js';
import { badge } from './badges.js';
import { announce, byId, el } from './dom.js';
import { showContent, showLoading, showProblem } from './panel.js';

const paragraphs = (text) => text.split(/\n{2,}/).map((part) => el('p', { class: 'prose' }, part));

export class Explanation {
  constructor(path) {
    this.path = path;
    this.place = byId('explanation');
    byId('explain').addEventListener('click', (event) => act(event.target, () => this.ask()));
  }

  // Until a tune has completed there is nothing to explain.
  show({ status }) {
    byId('explain-panel').hidden = status !== 'completed';
  }

  async ask() {
    showLoading(this.place, 'Asking…');
    byId('explain-badges').replaceChildren();
    try {
      this.#tell(await post(`${this.path}/explain`, { verbosity: byId('explain-verbosity').value }));
    } catch (problem) {
      showProblem(this.place, problem, () => this.ask());
    }
  }

  // The text is text, whoever wrote it.
  #tell({ explanation, confidence_qualifier: confidence, degraded, reason_code: code, error, model, provider, cache_hit: isCached }) {
    byId('explain-badges').replaceChildren(...[degraded ? badge('△', 'warn', 'degraded', code) : null, isCached ? badge('↺', '', 'kept from before') : null].filter(Boolean));
    showContent(this.place, el('div', { class: 'panel-body' },
      degraded && el('p', { class: 'notice warn', id: 'explain-degraded' }, error),
      paragraphs(explanation),
      el('p', { class: 'note', id: 'explain-source' }, `${confidence} ${degraded ? 'Written without a language model.' : `Written by ${model} (${provider}).`}`)));
    announce(degraded ? 'A simple explanation is there' : 'The explanation is there');
  }
}
