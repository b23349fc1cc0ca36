// A tune's trials as two charts: the best score so far, and in-sample against out-of-sample.
import { Chart, MOST_POINTS, line, wholeTicks } from './charts.js';
import { el } from './dom.js';
import { fixed, integer, params, score } from './format.js';
import { showContent, showEmpty, showProblem } from './panel.js';

const MANY = 600; // dots, that would cover each other
const MODERATE = 0.3, HIGH = 0.5; // of score_is - score_oos

// What GET .../points answers, a trial an object.
export function readPoints({ fields, items, param_names: names, total }) {
  const trials = items.map((item) => {
    const trial = Object.fromEntries(fields.map((name, i) => [name, item[i]]));
    return { ...trial, params: Object.fromEntries(names.map((name, i) => [name, trial.params?.[i] ?? null])) };
  });
  return { trials, names, total };
}

export function sampleNote({ trials, total }) {
  return trials.length < total ? `${integer(trials.length)} of ${integer(total)} trials: the best and an even choice of the others` : `all ${integer(total)} trials`;
}

class Part {
  constructor(place, note, choose) {
    Object.assign(this, { place, note, choose });
    this.chart = new Chart(place);
  }
  wait() {
    this.note.textContent = '';
    showEmpty(this.place, 'Trials are stored when the tune ends: this appears then.');
  }
  fail(problem, again) {
    showProblem(this.place, problem, again);
  }
  draw(label, describe) {
    return this.chart.show(label, describe).catch((error) => showProblem(this.place, error));
  }
}

export class Curve extends Part {
  #seen = []; // { x: trials done, y: best score }, while the tune runs

  follow(tune) {
    const { done } = tune.progress, best = tune.best_score, last = this.#seen.at(-1);
    if (typeof best === 'number' && done > 0 && done !== last?.x) this.#seen.push({ x: done, y: best });
    if (this.#seen.length > MOST_POINTS) this.#seen = this.#seen.filter((point, i) => i % 2 === 0 || i === this.#seen.length - 1);
    this.note.textContent = this.#seen.length ? 'as the tune reports it' : '';
    if (!this.#seen.length) { showEmpty(this.place, 'The curve begins with the first trial that passes the gates.'); return; }
    const points = [...this.#seen], total = tune.progress.total;
    this.#draw(`Best score so far: ${score(best)} after ${integer(done)} of ${integer(total)} trials`, points, [], total);
  }

  show(tune, points) {
    const records = points.trials.filter((trial) => trial.is_record);
    const others = points.trials.filter((trial) => trial.status === 'completed' && !trial.is_record && trial.score !== null);
    this.note.textContent = sampleNote(points);
    if (!records.length) { showEmpty(this.place, 'No trial passed the gates, so no score was ever the best.'); return; }
    const steps = records.map((trial) => ({ x: trial.trial_index, y: trial.score, trial }));
    steps.push({ ...steps.at(-1), x: Math.max(points.total - 1, steps.at(-1).x) });
    this.#draw(`Best score so far: it rose ${integer(records.length)} times, the last time at trial ${integer(records.at(-1).trial_index)} to ${score(records.at(-1).score)}`,
      steps, others.map((trial) => ({ x: trial.trial_index, y: trial.score, trial })), points.total - 1);
  }

  #draw(label, steps, dots, most) {
    this.draw(label, (palette) => ({
      x: { title: 'trial', min: 0, max: Math.max(1, most), ticks: wholeTicks }, y: { title: 'score' },
      onClick: ({ datasetIndex, index }) => { const { trial } = [steps, dots][datasetIndex][index]; if (trial) this.choose(trial.run_id); },
      tooltip: { title: ([item]) => `Trial ${integer(item.raw.trial?.trial_index ?? item.raw.x)}`, label: ({ raw }) => [`score ${score(raw.y)}`, ...(raw.trial ? [params(raw.trial.params)] : [])] },
      datasets: [
        line(palette, steps, 'series-1', { stepped: 'before', borderWidth: 2, pointRadius: steps.length < 60 ? 2.5 : 0 }),
        { data: dots, showLine: false, pointRadius: 1.8, backgroundColor: palette.muted, borderWidth: 0, pointHitRadius: 6 },
      ],
    }));
  }
}

export class Scatter extends Part {
  show(tune, points) {
    const trials = points.trials.filter((trial) => trial.score_is !== null && trial.score_oos !== null);
    this.note.textContent = trials.length ? sampleNote(points) : '';
    if (!trials.length) {
      showEmpty(this.place, tune.oos_ratio === null ? 'This tune has no out-of-sample part, so nothing tells luck from skill.' : 'No trial has both scores.',
        tune.oos_ratio === null ? 'Start one with an out-of-sample ratio, 0.3 for example.' : '');
      return;
    }
    const dots = (some) => trials.filter(some).map((trial) => ({ x: trial.score_is, y: trial.score_oos, trial }));
    const sets = [dots((t) => t.status === 'completed' && t.rank === null), dots((t) => t.status !== 'completed'), dots((t) => t.rank !== null)];
    const high = trials.filter((t) => t.score_is - t.score_oos > HIGH).length, moderate = trials.filter((t) => t.score_is - t.score_oos > MODERATE).length - high;
    const label = `${integer(trials.length)} trials: the out-of-sample score is lower by more than ${HIGH} in ${integer(high)}, by more than ${MODERATE} in another ${integer(moderate)}`;
    this.draw(label, (palette) => this.#describe(palette, sets, trials)).then(() => showContent(this.place, this.chart.node, this.#legend(label)));
  }

  #legend(label) {
    const key = (kind, word) => el('span', {}, el('i', { class: kind, 'aria-hidden': 'true' }), word);
    return el('div', {}, el('div', { class: 'legend' }, key('moderate', `moderate: out of sample lower by ${MODERATE}`), key('high', `high: lower by ${HIGH} and more`),
      el('span', {}, '● passed'), el('span', {}, '△ rejected'), el('span', {}, '◆ leaders')), el('p', { class: 'note' }, `${label}.`));
  }

  #describe(palette, [passed, skipped, leading], trials) {
    const all = trials.map((trial) => trial.score_is), low = Math.min(...all), high = Math.max(...all), pad = (high - low || 1) * 0.05;
    const outs = trials.map((trial) => trial.score_oos), bottom = Math.min(...outs), top = Math.max(...outs), rim = (top - bottom || 1) * 0.05;
    const along = (gap) => [{ x: low - pad, y: low - pad - gap }, { x: high + pad, y: high + pad - gap }];
    const edge = (gap, colour, fill, dash) => ({ type: 'line', isBand: true, data: along(gap), pointRadius: 0, pointHitRadius: 0, borderWidth: 1, borderDash: dash, borderColor: colour, backgroundColor: fill?.colour, fill: fill?.to ?? false, order: 9 });
    const dots = (data, colour, extra) => ({ type: 'scatter', data, backgroundColor: colour, borderColor: colour, pointRadius: trials.length > MANY ? 1.7 : 2.6, pointHoverRadius: 5, order: 1, ...extra });
    const sets = [passed, skipped, leading];
    return {
      type: 'scatter', x: { title: 'in-sample score', min: low - pad, max: high + pad, ticks: { callback: (value) => fixed(value, 1) } },
      y: { title: 'out-of-sample score', min: bottom - rim, max: top + rim, ticks: { callback: (value) => fixed(value, 1) } },
      onClick: ({ datasetIndex, index }) => { const set = sets[datasetIndex]; if (set) this.choose(set[index].trial.run_id); },
      tooltip: { title: ([item]) => `Trial ${integer(item.raw.trial.trial_index)}`, label: ({ raw }) => [`in ${score(raw.x)}, out ${score(raw.y)}`, params(raw.trial.params)] },
      datasets: [
        dots(passed, palette['series-1']), dots(skipped, palette.muted, { pointStyle: 'triangle', pointRadius: 3 }),
        dots(leading, palette['series-2'], { pointStyle: 'rectRot', pointRadius: 5, order: 0 }),
        edge(0, palette.muted, null, [4, 4]), edge(MODERATE, palette.warn, { colour: palette['band-moderate'], to: '+1' }, []), edge(HIGH, palette.bad, { colour: palette['band-high'], to: 'start' }, []),
      ],
    };
  }
}

