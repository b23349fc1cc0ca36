// What a price file seems to be, before it is sent: its columns, its first and last day. The
// server reads it whole and has the last word.
const HEAD = 65536, TAIL = 4096;
const ALIASES = {
  date: ['date', 'timestamp', 'datetime', 'time'], open: ['open', 'o'], high: ['high', 'h'], low: ['low', 'l'],
  close: ['close', 'c', 'adj_close', 'adjusted_close', 'adj close', 'adjclose'], volume: ['volume', 'vol', 'v'],
};

export const NEEDED = Object.keys(ALIASES);

const cells = (line) => line.split(',').map((cell) => cell.trim().replace(/^"|"$/g, ''));

export function columnsOf(line) {
  const names = cells(line.replace(/^\ufeff/, '').toLowerCase());
  return Object.fromEntries(NEEDED.map((name) => [name, names.findIndex((given) => ALIASES[name].includes(given))]));
}

// { columns, missing, lines (about), first, last, sample: [[cell]] } of a File.
export async function peek(file) {
  const head = await file.slice(0, HEAD).text();
  const tail = await file.slice(Math.max(0, file.size - TAIL)).text();
  const lines = head.split(/\r\n|\n|\r/), whole = file.size > HEAD ? lines.slice(0, -1) : lines.filter((line) => line !== '');
  const rows = whole.slice(1).filter((line) => line !== ''), columns = columnsOf(whole[0] ?? '');
  const average = rows.length ? rows.reduce((sum, line) => sum + line.length + 1, 0) / rows.length : 1;
  const lastLine = tail.trimEnd().split(/\r\n|\n|\r/).at(-1) ?? '';
  return {
    columns, missing: NEEDED.filter((name) => columns[name] < 0), isCounted: file.size <= HEAD,
    lines: file.size <= HEAD ? rows.length : Math.round(file.size / average),
    first: cells(rows[0] ?? '')[columns.date] ?? null, last: rows.length ? cells(lastLine)[columns.date] ?? null : null,
    head: cells(whole[0] ?? ''), sample: rows.slice(0, 3).map(cells),
  };
}
