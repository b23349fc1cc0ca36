// One trial: its run is computed again when it is asked for, from the same data and parameters.
import { get } from './api.js';
import { badge, gapBadge, statusBadge } from './badges.js';
import { Chart, line, thin, timeTicks } from './charts.js';
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
    byId('trial-badges').replaceChildren(...[statusBadge(run.status, run.skip_reason ?? run.failed_reason), gapBadge(run.overfit_gap), run.evaluated_on && badge('·', '', run.evaluated_on === 'oos' ? 'judged out of sample' : 'judged on all bars')].filter(Boolean));
    for (const chart of this.#charts) chart.destroy();
    this.#charts = [];
    const charts = el('div', { class: 'panel-body' });
    showContent(this.place, ...[this.#warnings(run), this.#summary(run), charts, this.#trades(run)].filter(Boolean));
    await this.#draw(charts, run);
  }

  #warnings(run) {
    const texts = [run.skip_reason ?? run.failed_reason, ...(run.warnings ?? [])].filter(Boolean);
    return texts.length > 0 && el('div', { class: 'panel-body' }, el('div', { class: 'notice warn' }, el('ul', {}, texts.map((text) => el('li', {}, text)))));
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
    const equity = thin(curve.map((point, i) => ({ x: at[i], y: point.equity }))), falls = thin(fall.map((y, i) => ({ x: at[i], y })));
    const lowest = Math.min(...fall), split = run.split_at ? Date.parse(run.split_at.t) : null;
    const upper = el('div'), lower = el('div');
    place.append(el('h3', {}, 'Equity'), upper, el('h3', {}, 'Drawdown, %'), lower, el('p', { class: 'note' },
      `${integer(equity.length)} points${curve.length > equity.length ? ` of ${integer(curve.length)}` : ''} from ${curve[0].t.slice(0, 10)} to ${curve.at(-1).t.slice(0, 10)}.`,
      split ? ` The dashed line is where the out-of-sample part begins, ${run.split_at.t.slice(0, 10)}.` : ''));
    const label = `Equity from ${fixed(curve[0].equity, 0)} to ${fixed(curve.at(-1).equity, 0)}`;
    await this.#chart(upper, {}, label, (palette) => this.#time(palette, equity, split, 'series-1', {}));
    await this.#chart(lower, { low: true }, `Drawdown: ${percent(lowest)} at its lowest`, (palette) => this.#time(palette, falls, split, 'series-2', { fill: 'origin', backgroundColor: palette['band-high'] }));
  }

  #chart(place, options, label, describe) {
    const chart = new Chart(place, options);
    this.#charts.push(chart);
    return chart.show(label, describe);
  }

  #time(palette, points, split, name, extra) {
    const ys = points.map(({ y }) => y), low = Math.min(...ys), high = Math.max(...ys);
    const mark = { data: split === null ? [] : [{ x: split, y: low }, { x: split, y: high }], isBand: true, borderColor: palette.muted, borderDash: [5, 4], borderWidth: 1, pointRadius: 0 };
    return {
      x: { ticks: timeTicks, min: points[0].x, max: points.at(-1).x }, y: { ticks: { maxTicksLimit: 6 } },
      tooltip: { title: ([item]) => new Date(item.raw.x).toISOString().slice(0, 16).replace('T', ' '), label: ({ raw }) => fixed(raw.y, 2) },
      datasets: [line(palette, points, name, extra), mark],
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
