// What does Prometheus answer to the queries of a panel, in the shape that Grafana's data source gives it?
import { FieldType, dateTime, rangeUtil, renderLegendFormat, toDataFrame } from '@grafana/data';

// Of the history that is drawn.
const SCRAPED = '15s';

/** The time range that the address asks for: from and to in Unix seconds. */
export function timeRange() {
  const address = new URLSearchParams(location.search);
  const [from, to] = ['from', 'to'].map((name) => dateTime(1000 * Number(address.get(name))));
  return { from, to, raw: { from, to } };
}

/** A text with its variables replaced, when all is chosen of everything. */
export function filled(text, board, range, step) {
  const window = Math.max(step + rangeUtil.intervalToMs(SCRAPED), 4 * rangeUtil.intervalToMs(SCRAPED));
  const known = {
    __rate_interval: `${window / 1000}s`,
    __range: `${(range.to - range.from) / 1000}s`,
    __range_s: `${(range.to - range.from) / 1000}`,
    // Where a variable has no word for all, Grafana lists all that there is.
    ...Object.fromEntries(board.templating.list.map(({ name, allValue }) => [name, allValue ?? '.*'])),
  };
  return text.replace(/\$(\w+)/g, (all, name) => known[name] ?? all);
}

/** Rows of /api/v1/query or /api/v1/query_range. The page is at Prometheus' address. Raises on what it refuses. */
async function get(endpoint, parameters) {
  const answer = await fetch(`/api/v1/${endpoint}?${new URLSearchParams(parameters)}`);
  const { status, error, data } = await answer.json();
  if (status !== 'success') throw new Error(error);
  return data.result;
}

/** Rows over the time range: one point for each pixel at most, and for each scrape. */
async function over(expr, board, range, width, least = SCRAPED) {
  const step = rangeUtil.calculateInterval(range, width, least).intervalMs;
  const [start, end] = [range.from, range.to].map((time) => (Math.floor(time / step) * step) / 1000);
  const rows = await get('query_range', { query: filled(expr, board, range, step), start, end, step: step / 1000 });
  return { rows, step };
}

/** Data frames of a panel that is so many pixels wide. */
export async function frames(panel, board, range, width) {
  const tables = panel.targets.filter((target) => target.format === 'table');
  const found = await Promise.all(
    panel.targets.map(async (target) => {
      if (!target.instant) return series(target, await over(target.expr, board, range, width));
      const query = filled(target.expr, board, range, rangeUtil.intervalToMs(SCRAPED));
      const rows = await get('query', { query, time: range.to / 1000 });
      if (target.format !== 'table') return series(target, { rows: rows.map(moment), step: 0 });
      // As in Grafana, a query that stands alone has no letter.
      return [table(rows, tables.length > 1 ? `Value #${target.refId}` : 'Value', target.refId)];
    })
  );
  return found.flat();
}

/** A row of one point, as one of many. */
function moment({ metric, value }) {
  return { metric, values: [value] };
}

/** Marks of one kind: time in milliseconds, and color. */
export async function marks(annotation, board, range) {
  const { rows, step } = await over(annotation.expr, board, range, 2000, annotation.step);
  const color = annotation.iconColor;
  return rows.flatMap(({ metric, values }) => {
    const happened = values.filter(([, value]) => value > 0);
    const times = happened.map(([at, value]) => (annotation.useValueForTime ? Number(value) : 1000 * at));
    // As in Grafana, points that are no more than a step apart are one mark.
    const first = times.filter((time, n) => n === 0 || time > times[n - 1] + step);
    return first.map((time) => ({ time, color }));
  });
}

function series({ refId, legendFormat, expr }, { rows, step }) {
  return rows.map(({ metric, values }) => {
    const name = legendFormat ? renderLegendFormat(legendFormat, metric) : labelled(metric) || expr;
    const time = column('Time', FieldType.time, values.map(([at]) => 1000 * at), { interval: step });
    const numbers = values.map(([, text]) => number(text));
    const value = column('Value', FieldType.number, numbers, { displayNameFromDS: name });
    return toDataFrame({ refId, name, fields: [time, { ...value, labels: metric }] });
  });
}

function labelled(metric) {
  const labels = Object.entries(metric).map(([name, value]) => `${name}="${value}"`);
  return labels.length ? `{${labels.join(', ')}}` : '';
}

function table(rows, head, refId) {
  const names = [...new Set(rows.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return toDataFrame({
    refId,
    fields: [
      column('Time', FieldType.time, rows.map(({ value }) => 1000 * value[0])),
      ...names.map((name) => column(name, FieldType.string, rows.map(({ metric }) => metric[name] ?? ''))),
      column(head, FieldType.number, rows.map(({ value }) => number(value[1]))),
    ],
  });
}

function column(name, type, values, config = {}) {
  return { name, type, values, config };
}

function number(text) {
  return Number(text.replace('Inf', 'Infinity'));
}
