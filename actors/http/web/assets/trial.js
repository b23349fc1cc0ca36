// One trial: its run is computed again when it is asked for, from the same data and parameters.
import { get } from './api.js';
import { badge, gapBadge, statusBadge } from './badges.js';
import { Chart, MOST_POINTS, line, sameWidth, thin, timeAxis } from './charts.js';
import { byId, el } from './dom.js';
import { exactly, fixed, integer, number, params, percent, plain, score, time } from './format.js';
import { showContent, showLoading, showProblem } from './panel.js';
import { Table } from './table.js';

const MOST_TRADES = 500;

const tradeColumns = [
  { key: 'entry', label: 'Entry', class: 'nowrap', value: (trade) => trade.entry_time, cell: (trade) => time(trade.entry_time) },
  { key: 'exit', label: 'Exit', class: 'nowrap', value: (trade) => trade.exit_time, cell: (trade) => time(trade.exit_time) },
  { key: 'side', label: 'Side', value: (trade) => trade.side },
  { key: 'entry_price', label: 'Entry price', numeric: true, value: (trade) => trade.entry_price, cell: (trade) => number(trade.entry_price, fixed(trade.entry_price, 2)) },
  { key: 'exit_price', label: 'Exit price', numeric: true, value: (trade) => trade.exit_price, cell: (trade) => number(trade.exit_price, fixed(trade.exit_price, 2)) },
  { key: 'size', label: 'Size', numeric: true, value: (trade) => trade.size, cell: (trade) => number(trade.size, plain(trade.size)) },
  { key: 'pnl', label: 'Gain', numeric: true, value: (trade) => trade.pnl, cell: (trade) => number(trade.pnl, fixed(trade.pnl, 2)) },
  { key: 'return', label: 'Return', numeric: true, value: (trade) => trade.return_pct, cell: (trade) => number(trade.return_pct, percent(trade.return_pct, 2)) },
  { key: 'reason', label: 'Closed by', value: (trade) => trade.reason ?? null },
  { key: 'bars', label: 'Bars', numeric: true, value: (trade) => trade.duration_bars, cell: (trade) => integer(trade.duration_bars) },
];

// Percent below the highest so far, where the answer does not say it.
function fallOf(curve) {
  let high = -Infinity;
  return curve.map(({ equity }) => {
    high = Math.max(high, equity);
    return high > 0 ? (100 * (equity - high)) / high : 0;
  });
}

// In-sample and out-of-sample, each thinned: they are two accounts, no line leads from one to the
// other.
function halves(points, cut) {
  return [points.slice(0, cut), points.slice(cut)].filter((part) => part.length).map((part, i, all) => thin(part, Math.floor(MOST_POINTS / all.length)));
}

export class Trial {
  #asked = null; #charts = [];

  constructor() {
    this.panel = byId('trial-panel');
    this.place = byId('trial');
    byId('trial-close').addEventListener('click', () => this.close());
    addEventListener('hashchange', () => this.openFromAddress());
  }

  openFromAddress() {
    const run = new URLSearchParams(location.hash.slice(1)).get('run');
    if (run && run !== this.runId) this.open(run, { focus: false });
  }

  close() {
    this.panel.hidden = true;
    this.runId = null;
    this.#asked = null;
    history.replaceState(null, '', location.pathname + location.search);
    this.opener?.focus();
  }

  async open(runId, { focus = true } = {}) {
    const question = this.#asked = {};
    this.opener = document.activeElement;
    this.runId = runId;
    this.panel.hidden = false;
    byId('trial-title').textContent = 'Trial';
    byId('trial-badges').replaceChildren();
    showLoading(this.place, 'Computing this trial’s run…');
    history.replaceState(null, '', `#run=${runId}`);
    if (focus) {
      this.panel.focus({ preventScroll: true });
      this.panel.scrollIntoView({ block: 'start', behavior: 'smooth' });
    }
    try {
      const run = await get(`/backtests/runs/${runId}`);
      if (question === this.#asked) await this.#show(run);
    } catch (problem) {
      if (question === this.#asked) showProblem(this.place, problem, () => this.open(runId));
    }
  }

  async #show(run) {
    byId('trial-title').textContent = `Trial ${integer(run.trial_index)}${run.rank ? `, rank ${run.rank}` : ''}`;
    byId('trial-badges').replaceChildren(...[statusBadge(run.status, run.skip_reason ?? run.failed_reason), gapBadge(run.overfit_gap), run.evaluated_on && badge('·', '', run.evaluated_on === 'oos' ? 'judged out of sample' : run.split_at ? 'judged in sample' : 'judged on all bars')].filter(Boolean));
    for (const chart of this.#charts) chart.destroy();
    this.#charts = [];
    const charts = el('div', { class: 'panel-body' });
    showContent(this.place, ...[this.#warnings(run), this.#summary(run), charts, this.#trades(run)].filter(Boolean));
    await this.#draw(charts, run);
  }

  #warnings(run) {
    const reason = run.skip_reason ?? run.failed_reason, texts = run.warnings ?? [];
    if (!reason && !texts.length) return null;
    return el('div', { class: 'panel-body tight' }, reason && el('p', { class: 'notice warn' }, reason), texts.map((text) => el('p', { class: 'note' }, text)));
  }

  #summary({ summary, params: values, score: total, score_is: inside, score_oos: outside }) {
    const fact = (name, value, more) => el('div', {}, el('dt', {}, name), el('dd', {}, value, more && el('small', {}, more)));
    const s = summary ?? {};
    return el('dl', { class: 'facts' }, ...[
      fact('Parameters', el('span', { title: exactly(values) }, params(values))),
      fact('Score', score(total), typeof outside === 'number' ? `in ${score(inside)} · out ${score(outside)}` : null),
      fact('Return', percent(s.return_pct), typeof s.buy_hold_return_pct === 'number' ? `buy and hold ${percent(s.buy_hold_return_pct)}` : null),
      fact('Max drawdown', percent(s.max_drawdown_pct)), fact('Sharpe', fixed(s.sharpe, 2)),
      fact('Trades', integer(s.trades), typeof s.win_rate === 'number' ? `win rate ${fixed(s.win_rate, 2)}` : null),
      fact('Profit factor', fixed(s.profit_factor, 2), typeof s.avg_trade_pct === 'number' ? `${percent(s.avg_trade_pct, 2)} a trade` : null)]);
  }

  async #draw(place, run) {
    const curve = run.equity_curve ?? [], at = curve.map(({ t }) => Date.parse(t)), fall = run.drawdown ?? fallOf(curve);
    if (!curve.length) { place.append(el('p', { class: 'muted' }, 'This trial has no equity curve.')); return; }
    const cut = run.split_at?.point ?? curve.length, lowest = Math.min(...fall);
    const equity = halves(curve.map((point, i) => ({ x: at[i], y: point.equity })), cut), falls = halves(fall.map((y, i) => ({ x: at[i], y })), cut);
    const shown = equity.reduce((sum, { length }) => sum + length, 0);
    const upper = el('div'), lower = el('div');
    place.append(el('h3', {}, 'Equity'), upper, el('h3', {}, 'Drawdown, %'), lower, el('p', { class: 'note' },
      `${integer(shown)} points${curve.length > shown ? ` of ${integer(curve.length)}` : ''} from ${curve[0].t.slice(0, 10)} to ${curve.at(-1).t.slice(0, 10)}.`,
      run.split_at ? ` The second colour is the out-of-sample part from ${run.split_at.t.slice(0, 10)} on: it begins with the same cash again.` : ''));
    const label = `Equity from ${fixed(curve[0].equity, 0)} to ${fixed(curve.at(-1).equity, 0)}`;
    await this.#chart(upper, {}, label, (palette) => this.#time(palette, equity, {}));
    await this.#chart(lower, { low: true }, `Drawdown: ${percent(lowest)} at its lowest`, (palette) => this.#time(palette, falls, { fill: 'origin', backgroundColor: palette['band-high'] }));
  }

  #chart(place, options, label, describe) {
    const chart = new Chart(place, options);
    this.#charts.push(chart);
    return chart.show(label, describe);
  }

  #time(palette, parts, extra) {
    const points = parts.flat();
    return {
      x: { ...timeAxis, min: points[0].x, max: points.at(-1).x }, y: { ...sameWidth, ticks: { maxTicksLimit: 6 } },
      tooltip: { title: ([item]) => new Date(item.raw.x).toISOString().slice(0, 16).replace('T', ' '), label: ({ raw }) => fixed(raw.y, 2) },
      datasets: parts.map((part, i) => line(palette, part, i ? 'series-2' : 'series-1', extra)),
    };
  }

  #trades(run) {
    const trades = (run.trades ?? []).slice(0, MOST_TRADES).map((trade, index) => ({ ...trade, index })), total = run.trade_count ?? run.trades?.length ?? 0;
    if (!trades.length) return el('div', { class: 'panel-body' }, el('p', { class: 'muted' }, 'This trial made no trade.'));
    const table = new Table({ label: 'Trades', id: (trade) => trade.index, columns: tradeColumns });
    table.show(trades);
    return el('details', { class: 'more' }, el('summary', {}, `Trades: ${integer(total)}${trades.length < total ? `, the first ${integer(trades.length)} of them here` : ''}`), table.node);
  }
}
