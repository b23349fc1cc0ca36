// The weak runs of the workspace: the most urgent of each status, and the strategies they name.
import { get } from './api.js';

export const STATUSES = ['open', 'acknowledged', 'resolved'];
export const MOST = 200; // of one status, as one question answers

const byUrgency = (a, b) => b.priority_score - a.priority_score || b.created_at.localeCompare(a.created_at) || a.run_id.localeCompare(b.run_id);

export class Runs {
  #runs = new Map(); #full = new Set(); #cards = {}; #missing = new Set();
  hasLoaded = false;

  // Resolves with the ids of open runs that were not known before.
  async load() {
    const lists = await Promise.all(STATUSES.map((status) => get('/admin/coverage/weak', { status, limit: MOST, include_candidate_cards: true })));
    const before = this.#runs, isFirst = !this.hasLoaded;
    this.#runs = new Map(lists.flatMap(({ items }) => items.map((run) => [run.run_id, run])));
    this.#full = new Set(STATUSES.filter((_, i) => lists[i].items.length >= MOST));
    this.#cards = Object.assign({}, ...lists.map((list) => list.strategy_cards_by_id ?? {}));
    this.#missing = new Set(lists.flatMap((list) => list.missing_strategy_ids ?? []));
    this.hasLoaded = true;
    return isFirst ? [] : this.of('open').map(({ run_id: id }) => id).filter((id) => !before.has(id));
  }

  get(id) { return this.#runs.get(id) ?? null; }

  of(tab) {
    return [...this.#runs.values()].filter((run) => tab === 'all' || run.coverage_status === tab).sort(byUrgency);
  }

  // There may be more than are known.
  isFull(tab) { return tab === 'all' ? this.#full.size > 0 : this.#full.has(tab); }

  card(strategyId) { return this.#cards[strategyId] ?? null; }
  isMissing(strategyId) { return this.#missing.has(strategyId); }

  // The candidates of a run, the best first: [{ id, card, isMissing, score, tags }].
  candidates(run) {
    const list = (run.candidate_strategy_ids ?? []).map((id) => {
      const { score = null, matched_tags: tags = [] } = run.candidate_scores?.[id] ?? {};
      return { id, card: this.card(id), isMissing: this.isMissing(id), score, tags };
    });
    return list.sort((a, b) => (b.score ?? -1) - (a.score ?? -1));
  }

  // What is said of one run, by an answer or an event. False: it is not known here.
  take(said) {
    const known = this.#runs.get(said.run_id);
    if (!known) return false;
    if (!(said.updated_at < known.updated_at)) this.#runs.set(said.run_id, { ...known, ...said });
    return true;
  }
}
