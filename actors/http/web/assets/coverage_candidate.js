// A strategy that a match run found, as a card: how well it fits and by what, and why.
import { badge } from './badges.js';
import { el } from './dom.js';
import { Explanation } from './coverage_explain.js';
import { cut, quoted } from './coverage_words.js';
import { number, percent, score, shortId } from './format.js';

const PROOFS = { validated: 'back-tested out of sample', backtested: 'back-tested in sample only', none: 'never back-tested' };
const NAME_MOST = 120, ABOUT_MOST = 400, TAG_MOST = 40, TAGS_MOST = 12;

export function nameOf({ id, card, isMissing }) {
  if (card?.name) return cut(card.name, NAME_MOST);
  return isMissing ? `Deleted strategy ${shortId(id)}` : `Strategy ${shortId(id)}`;
}

// First those that matched.
function tags({ card, tags: matched }) {
  const others = (Array.isArray(card?.tags) ? card.tags : []).filter((tag) => !matched.includes(tag));
  const all = [...matched.map((tag) => badge('✓', 'good', quoted(tag, TAG_MOST), 'matched')), ...others.map((tag) => el('span', { class: 'tag' }, quoted(tag, TAG_MOST)))];
  const more = all.length - TAGS_MOST;
  if (all.length === 0) return [el('span', { class: 'note' }, 'No tag matched.')];
  return more > 0 ? [...all.slice(0, TAGS_MOST), el('span', { class: 'tag' }, `${more} more`)] : all;
}

function fit(value) {
  if (typeof value !== 'number') return el('span', { class: 'note' }, 'not scored');
  return el('span', { class: 'fit' }, el('meter', { min: '0', max: '1', low: '0.45', high: '0.55', optimum: '1', value: String(value), 'aria-label': 'score' }), number(value, score(value)));
}

function proof({ id, card, isMissing }) {
  if (isMissing) return el('p', { class: 'note' }, 'It was found then, and deleted since.');
  const words = [
    card?.backtest_status && (PROOFS[card.backtest_status] ?? cut(card.backtest_status, TAG_MOST)),
    typeof card?.best_oos_score === 'number' && `best out-of-sample score ${score(card.best_oos_score)}`,
    typeof card?.max_drawdown === 'number' && `max drawdown ${percent(card.max_drawdown)}`,
  ].filter(Boolean);
  const trials = card?.backtest_status !== 'none' && el('a', { href: `/admin/backtests/leaderboard?strategy_entity_id=${encodeURIComponent(id)}` }, 'its best trials');
  return el('p', { class: 'note' }, words.join(' · '), trials && [words.length > 0 && ' · ', trials]);
}

export class Candidate {
  #stamp = '';

  constructor(runId, strategyId) {
    this.explanation = new Explanation(runId, strategyId);
    this.body = el('div');
    this.node = el('li', { class: 'candidate' }, this.body, this.explanation.node);
  }

  // Drawn again only if something has changed, so that the focus stays on its link.
  show(candidate) {
    const { id, card, isMissing, score: value, tags: matched } = candidate, name = nameOf(candidate), about = cut(card?.description, ABOUT_MOST);
    const stamp = JSON.stringify([name, about, isMissing, value, matched, Array.isArray(card?.tags) && card.tags.slice(0, TAGS_MOST).map((tag) => cut(tag, TAG_MOST)), card?.backtest_status, card?.best_oos_score, card?.max_drawdown]);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.explanation.name(name);
    this.explanation.node.hidden = isMissing;
    this.body.replaceChildren(...[
      el('div', { class: 'row' }, el('h4', { title: id }, el('bdi', {}, name)), el('span', { class: 'push' }), fit(value)),
      el('div', { class: 'badges' }, tags(candidate)),
      about && el('p', { class: 'about' }, el('bdi', {}, about)),
      proof(candidate)].filter(Boolean));
  }
}
