// The run that is chosen: what was asked, why the answer is weak, what can be done, and the
// strategies that came nearest.
import { arrange, byId, el } from './dom.js';
import { Candidate } from './coverage_candidate.js';
import { Triage } from './coverage_triage.js';
import { coverageBadge, priorityBadge, quoted, reasonSentence } from './coverage_words.js';
import { integer, number, score, shortId, time } from './format.js';
import { showContent, showEmpty } from './panel.js';
import { MOST } from './coverage_runs.js';

const QUERY_MOST = 2000, LINE_MOST = 200;

const fact = (name, ...value) => el('div', {}, el('dt', {}, name), el('dd', {}, value.flat()));

function facts(run) {
  const by = (who) => (who ? [' by ', quoted(who, LINE_MOST)] : []);
  return [
    fact('Best score', number(run.best_score, score(run.best_score))),
    fact('Good enough', integer(run.num_above_threshold)),
    fact('Asked', time(run.created_at)),
    run.source_ref && fact('From', quoted(run.source_ref, LINE_MOST)),
    run.acknowledged_at && fact('Acknowledged', time(run.acknowledged_at), by(run.acknowledged_by)),
    run.resolved_at && fact('Resolved', time(run.resolved_at), by(run.resolved_by)),
    fact('Signature', el('code', { title: 'Runs of one signature ask the same; a good match resolves all of them' }, quoted(run.intent_signature, 12))),
  ].filter(Boolean);
}

export class Detail {
  #candidates = new Map(); #run = null; #stamp = '';

  // onTaken(said): as triage has it.
  constructor({ onTaken }) {
    this.place = byId('detail');
    this.title = byId('detail-title');
    this.badges = byId('detail-badges');
    this.triage = new Triage({ onTaken, onLeft: () => this.title.focus() });
    this.about = el('div', { class: 'panel-body' });
    this.facts = el('dl', { class: 'facts' });
    this.heading = el('h3', {}, 'Candidates');
    this.list = el('ol', { class: 'candidates', role: 'list' });
    this.nobody = el('p', { class: 'note' }, 'No strategy came near. Resolve the run with a note once there is one, or once it is clear that none is wanted.');
    this.nodes = [this.about, this.triage.node, this.facts, el('div', { class: 'panel-body' }, this.heading, this.list, this.nobody)];
  }

  get run() { return this.#run; }

  show(run, candidates) {
    const stamp = JSON.stringify(run);
    this.#run = run;
    if (stamp !== this.#stamp) this.#draw(run);
    this.#stamp = stamp;
    this.triage.show(run, candidates);
    this.#showCandidates(run.run_id, candidates);
    showContent(this.place, ...this.nodes);
  }

  // Only what has changed: somebody may be copying from it.
  #draw(run) {
    this.title.textContent = `Run ${shortId(run.run_id)}`;
    this.title.title = run.run_id;
    this.badges.replaceChildren(priorityBadge(run.priority_score), coverageBadge(run.coverage_status));
    this.about.replaceChildren(...[
      el('blockquote', {}, quoted(run.query_preview, QUERY_MOST, { isLine: false })),
      el('ul', { class: 'reasons' }, run.weak_reason_codes.map((code) => el('li', { title: code }, reasonSentence(code)))),
      run.resolution_note && el('p', { class: 'words' }, el('strong', {}, 'Note: '), quoted(run.resolution_note, QUERY_MOST, { isLine: false }))].filter(Boolean));
    this.facts.replaceChildren(...facts(run));
  }

  #showCandidates(runId, candidates) {
    this.nobody.hidden = candidates.length > 0;
    arrange(this.list, candidates.map((candidate) => {
      const card = this.#candidate(runId, candidate.id);
      card.show(candidate);
      return card.node;
    }));
  }

  #candidate(runId, strategyId) {
    const key = `${runId} ${strategyId}`;
    if (!this.#candidates.has(key)) this.#candidates.set(key, new Candidate(runId, strategyId));
    return this.#candidates.get(key);
  }

  // Of the candidate that has the focus, else of the first that can be explained.
  explain() {
    const shown = [...this.#candidates.values()].filter(({ node, explanation }) => node.isConnected && !explanation.node.hidden);
    const wanted = shown.find(({ node }) => node.contains(document.activeElement)) ?? shown.find(({ node }) => node === this.list.firstElementChild) ?? shown[0];
    wanted?.explanation.ask();
    return Boolean(wanted);
  }

  showNothing(title, ...sentences) {
    const stamp = [title, ...sentences].filter((part) => typeof part === 'string').join('\n');
    this.#run = null;
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.title.textContent = title;
    this.title.title = '';
    this.badges.replaceChildren();
    showEmpty(this.place, ...sentences);
  }

  showGone(back) {
    this.showNothing('This run is not here', `It may have been deleted, be of another workspace, or not be among the ${MOST} most urgent of its status.`,
      el('button', { class: 'button', type: 'button', on: { click: back } }, 'Back to the queue'));
  }
}
