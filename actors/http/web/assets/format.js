// Values as people read them: in the reader's locale, with the whole value in the title.
import { el } from './dom.js';

export const NONE = '–';
const cache = new Map();

function formatter(digits) {
  if (!cache.has(digits))
    cache.set(digits, new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return cache.get(digits);
}

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

export const fixed = (value, digits) => (isNumber(value) ? formatter(digits).format(value) : NONE);
export const integer = (value) => fixed(value, 0);
export const score = (value) => fixed(value, 3);
export const percent = (value, digits = 1) => (isNumber(value) ? `${formatter(digits).format(value)}\u00a0%` : NONE);

// Four significant digits at most: for parameters, which are of any size.
export function plain(value) {
  if (!isNumber(value)) return value === null || value === undefined ? NONE : String(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

export const params = (values) => {
  const pairs = Object.entries(values ?? {});
  return pairs.length ? pairs.map(([name, value]) => `${name} ${plain(value)}`).join(' · ') : NONE;
};

export const exactly = (values) => Object.entries(values ?? {}).map(([name, value]) => `${name} = ${value}`).join('\n');

// A number that shows itself whole when pointed at.
export const number = (value, text) => el('span', { class: 'number', title: isNumber(value) ? String(value) : null }, text);

export function age(s) {
  if (!isNumber(s)) return NONE;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${formatter(s < 10 ? 1 : 0).format(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.round((s % 86400) / 3600)} h`;
}

const today = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const thisYear = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const anyDay = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

export function timeText(date, now = new Date()) {
  if (date.toDateString() === now.toDateString()) return today.format(date);
  return date.getFullYear() === now.getFullYear() ? thisYear.format(date) : anyDay.format(date);
}

export function time(iso) {
  const date = iso ? new Date(iso) : null;
  if (!date || Number.isNaN(date.getTime())) return NONE;
  return el('time', { datetime: iso, title: `${date.toLocaleString()}\n${iso}` }, timeText(date));
}

export const day = (ms) => new Date(ms).toISOString().slice(0, 10);
// One of UUID version 7 begins with its time: the end tells two of one minute apart.
export const shortId = (id) => (id ? id.slice(-8) : NONE);
export const bytes = (count) => (count < 1 << 20 ? `${fixed(count / 1024, 1)} KB` : `${fixed(count / (1 << 20), 1)} MB`);
export const plural = (count, one, many = `${one}s`) => `${integer(count)} ${count === 1 ? one : many}`;
