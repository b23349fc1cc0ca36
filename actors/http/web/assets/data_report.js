// What the server understands of a file of price data, before anything is run on it.
import { upload } from './api.js';
import { el } from './dom.js';
import { bytes, integer, plural } from './format.js';

export const READING = ['timezone', 'symbol', 'allow_dropped_pct'];

const note = (kind, ...texts) => el('div', { class: `notice ${kind}` }, texts.length > 1 ? el('ul', {}, texts.map((text) => el('li', {}, text))) : texts[0]);
const fact = (name, value, more = null) => el('div', {}, el('dt', {}, name), el('dd', {}, value, more && el('small', {}, more)));

export async function inspect(file, reading) {
  const form = new FormData();
  for (const [name, value] of Object.entries(reading)) if (value !== '') form.append(name, value);
  form.append('file', file);
  return (await upload('/data/inspect', form)).body;
}

const dropped = ({ dropped: some, duplicates }) => [
  some && `${integer(some)} dropped for a missing cell`, duplicates && `${integer(duplicates)} replaced by a later one`].filter(Boolean).join(' · ');

export function describe(file, report) {
  return [
    el('p', {}, el('strong', {}, file.name), `, ${bytes(file.size)}, ${plural(report.bars, 'bar')}, from ${report.first} to ${report.last}`),
    report.warnings.length && note('warn', ...report.warnings),
    report.notes.length && note('', ...report.notes),
    el('dl', { class: 'facts' },
      fact('Layout', report.layout, [report.container !== 'plain' && report.container, `separator ${report.separator}`, report.encoding].filter(Boolean).join(' · ')),
      fact('Days of', report.timezone, `dates ${report.dates}`), fact('Time frame', report.timeframe, report.gaps ? plural(report.gaps, 'gap') : 'no gap'),
      fact('Rows', integer(report.rows), dropped(report)), fact('Numbers', report.numbers),
      ...report.columns.map(({ name, meaning }) => fact(meaning, name))),
  ].filter(Boolean);
}

// A refusal of the whole is one sentence; one of cells, a line each of the first five.
export function refuse(file, problem) {
  const cells = (problem.errors ?? []).filter(({ line }) => line);
  if (!cells.length) return [note('error', `${file.name}: ${problem.sentence ?? problem.message}`)];
  return [note('error', `${file.name} cannot be used`, ...cells.map(({ line, msg }) => `line ${line}: ${msg}`))];
}
