// Chart.js with the colours of the stylesheet; drawn again when the colour scheme changes.
import { el } from './dom.js';
import { day, integer } from './format.js';

export const MOST_POINTS = 2000;
const charts = new Set();
let loading = null;

function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = el('script', { src: '/admin/assets/chart.min.js' });
    script.addEventListener('load', () => resolve(globalThis.Chart));
    script.addEventListener('error', () => { loading = null; reject(new Error('the charts could not be loaded')); });
    document.head.append(script);
  });
  return loading;
}

// A custom property may itself be light-dark(): only a property that is a colour is resolved.
function colour(name) {
  const probe = el('span', { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function colours() {
  const names = ['text', 'muted', 'grid', 'surface', 'line', 'series-1', 'series-2', 'series-3', 'series-4', 'good', 'warn', 'bad', 'band-moderate', 'band-high'];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

const isStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

function axis(palette, title, extra = {}) {
  return {
    type: 'linear', border: { display: false }, grid: { color: palette.grid, borderColor: palette.line },
    ticks: { color: palette.muted, maxRotation: 0, autoSkipPadding: 18, ...extra.ticks },
    title: { display: Boolean(title), text: title, color: palette.muted, font: { size: 11 } },
    ...Object.fromEntries(Object.entries(extra).filter(([name]) => name !== 'ticks')),
  };
}

const TICK_PX = 110; // as wide as a date and some room

// Days, as evenly as they fit.
export const timeAxis = {
  ticks: { callback: (value) => day(value), autoSkip: false },
  afterBuildTicks: (axis) => {
    const count = Math.max(1, Math.floor((axis.chart.width - 80) / TICK_PX)), step = (axis.max - axis.min) / count;
    axis.ticks = Array.from({ length: count + 1 }, (_, i) => ({ value: axis.min + i * step }));
  },
};
// Charts one above the other begin at the same place.
export const sameWidth = { afterFit: (axis) => { axis.width = 62; } };
export const wholeTicks = { precision: 0, callback: (value) => (Number.isInteger(value) ? integer(value) : '') };

function base(palette, { x, y, tooltip, onClick }) {
  return {
    responsive: true, maintainAspectRatio: false, animation: isStill() ? false : { duration: 250 }, parsing: false,
    font: { family: 'system-ui, sans-serif' },
    interaction: { mode: 'nearest', intersect: false, axis: 'xy' },
    onClick: onClick ? (event, elements) => { if (elements.length) onClick(elements[0]); } : undefined,
    scales: { x: axis(palette, x.title, x), y: axis(palette, y.title, y) },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: palette.surface, titleColor: palette.text, bodyColor: palette.text, borderColor: palette.line, borderWidth: 1, displayColors: false,
        filter: (item) => !item.dataset.isBand, callbacks: tooltip,
      },
    },
  };
}

// A chart in a place: describe(palette) says what it is of, and is asked again for other colours.
// label: the same in words, for those who do not see it.
export class Chart {
  #chart = null; #canvas; #describe = null;

  constructor(place, { low = false } = {}) {
    this.place = place;
    this.#canvas = el('canvas', { role: 'img' });
    this.node = el('div', { class: low ? 'chart low' : 'chart' }, this.#canvas);
    charts.add(this);
  }

  async show(label, describe) {
    this.#describe = describe;
    this.#canvas.setAttribute('aria-label', label);
    this.#canvas.textContent = label;
    await library();
    if (!this.node.isConnected) this.place.replaceChildren(this.node);
    this.draw();
  }

  draw() {
    if (!this.#describe || !globalThis.Chart) return;
    const palette = colours(), { datasets, type = 'line', ...rest } = this.#describe(palette), options = base(palette, rest);
    if (!this.#chart) {
      this.#chart = new globalThis.Chart(this.#canvas, { type, data: { datasets }, options });
      return;
    }
    this.#chart.data.datasets = datasets;
    this.#chart.options = { ...options, animation: false };
    this.#chart.update('none');
  }

  destroy() {
    this.#chart?.destroy();
    this.#chart = null;
    charts.delete(this);
    this.node.remove();
  }
}

addEventListener('schemechange', () => { for (const chart of charts) chart.draw(); });

// At most `most` points, with the lowest and the highest of each stretch among them, so that no
// fall is lost. points: [{ x, y }] in order of x.
export function thin(points, most = MOST_POINTS) {
  if (points.length <= most) return points;
  const stretches = Math.floor(most / 2), kept = [points[0]];
  for (let i = 0; i < stretches; i++) {
    const part = points.slice(Math.floor((i * points.length) / stretches), Math.floor(((i + 1) * points.length) / stretches));
    const low = part.reduce((a, b) => (b.y < a.y ? b : a)), high = part.reduce((a, b) => (b.y > a.y ? b : a));
    kept.push(...(low.x < high.x ? [low, high] : [high, low]).filter((point, at, both) => at === 0 || point !== both[0]));
  }
  kept.push(points.at(-1));
  return kept;
}

export const line = (palette, data, name = 'series-1', extra = {}) => ({
  data, borderColor: palette[name], backgroundColor: palette[name], borderWidth: 1.5, pointRadius: 0, pointHitRadius: 8, ...extra,
});
