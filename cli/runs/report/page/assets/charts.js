// A card for each chart: drawn when it comes into sight, with a line of words for what is under the pointer.
"use strict";

const TOLD = 8;
const HEIGHT = 230;
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });

class Card {
  constructor() {
    this.plot = null;
    this.seen = false;
    this.title = made("h4");
    this.means = made("p", { class: "means" });
    this.holder = made("figure", { tabindex: 0, onkeydown: (event) => this.press(event) });
    this.readout = made("p", { class: "readout" });
    this.table = made("details", { ontoggle: () => this.fill() }, made("summary", {}, "Lines, and what was left out"));
    this.root = made("div", { class: "card" }, this.title, this.means, this.holder, this.readout, this.table);
  }

  // Show a chart as it is now; what is not in sight waits.
  show(chart, view) {
    Object.assign(this, { chart, view });
    this.title.textContent = chart.unit ? `${chart.name}, ${chart.unit}` : chart.name;
    this.means.textContent = chart.means;
    this.holder.setAttribute("aria-label", `${chart.name}: ${chart.lines.length} lines. Arrows move, + and - zoom, 0 shows all.`);
    if (this.seen) this.draw();
  }

  draw() {
    this.seen = true;
    const old = this.plot && this.zoomed ? { min: this.plot.scales.x.min, max: this.plot.scales.x.max } : null;
    if (this.plot) this.plot.destroy();
    const soft = this.view.smooth > 0;
    this.shapes = this.chart.lines.map((line) => drawn(line, this.view.axis, this.view.smooth));
    const tables = this.shapes.flatMap((shape) => (soft ? [[shape.xs, shape.raw], [shape.xs, shape.soft]] : [[shape.xs, shape.raw]]));
    this.plot = new uPlot(this.options(soft), uPlot.join(tables), this.holder);
    if (old && !this.view.fresh) this.plot.setScale("x", old);
    else this.zoomed = false;
    this.tell(null);
    this.fill();
  }

  options(soft) {
    const ink = shade("--ink"), grid = shade("--grid");
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const label = this.view.axis === "time" ? "seconds since the run began" : this.chart.along;
    const lines = this.chart.lines.flatMap((line) => (soft ? [stroke(line, 0.25), stroke(line, 1)] : [stroke(line, 1)]));
    return {
      width: Math.max(240, this.holder.clientWidth || 400),
      height: HEIGHT,
      legend: { show: false },
      scales: { x: { time: false } },
      axes: [{ ...axis, label, labelSize: 20, size: 34 }, { ...axis, size: 62, values: (_, ticks) => ticks.map(tick) }],
      series: [{}, ...lines],
      cursor: { sync: { key: `${this.view.axis}-${this.view.axis === "time" ? "" : this.chart.along}` }, dataIdx: nearest, points: { size: 6 } },
      hooks: {
        setCursor: [(plot) => this.tell(plot)],
        setSelect: [() => { this.zoomed = true; }],
        draw: [(plot) => this.mark(plot)],
        ready: [(plot) => plot.over.addEventListener("dblclick", () => { this.zoomed = false; })],
      },
    };
  }

  // Broken values as triangles along the lower edge.
  mark(plot) {
    const { ctx, bbox } = plot;
    ctx.fillStyle = shade("--bad");
    for (const [x] of this.shapes.flatMap((shape) => shape.broken)) {
      const at = plot.valToPos(x, "x", true), foot = bbox.top + bbox.height, size = 5 * devicePixelRatio;
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(at - size, foot);
      ctx.lineTo(at + size, foot);
      ctx.lineTo(at, foot - 2 * size);
      ctx.fill();
    }
  }

  // What is under the pointer, or the last value of each line.
  tell(plot) {
    const hovered = plot && plot.cursor.idx !== null && plot.cursor.idx !== undefined;
    const step = this.view.smooth > 0 ? 2 : 1;
    const told = this.chart.lines.slice(0, TOLD).map((line, nth) => {
      const series = 1 + nth * step;
      const at = hovered ? plot.cursor.idxs[series] : null;
      const value = hovered ? at === null || at === undefined ? null : plot.data[series][at] : line.curve.value.at(-1);
      return made("span", {}, made("i", { class: `swatch shade${line.shade % SHADES}` }), `${line.name} ${figure(value)}`);
    });
    const where = hovered ? `${this.view.axis === "time" ? "s" : this.chart.along} ${figure(plot.data[0][plot.cursor.idx])}: ` : "last: ";
    const more = this.chart.lines.length - told.length;
    const broken = this.shapes.reduce((sum, shape) => sum + shape.broken.length, 0);
    this.readout.replaceChildren(where, ...told, more > 0 ? `and ${more} more` : "", broken ? made("b", {}, ` ▲ not finite`) : "");
  }

  // The lines in figures: what was told of each, and how much of that is drawn.
  fill() {
    if (!this.table.open || !this.chart) return;
    const heads = ["line", "last", "lowest", "highest", "told", "drawn", "not finite"];
    const rows = this.chart.lines.map((line) => {
      const finite = line.curve.value.filter((value) => !BROKEN.has(value));
      const ends = finite.length ? [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))] : [null, null];
      return [line.name, line.curve.value.at(-1), ...ends, line.curve.seen, line.curve.value.length, line.curve.broken];
    });
    const body = rows.map((row) => made("tr", {}, ...row.map((cell, nth) => made("td", { class: nth ? "number" : null }, nth ? figure(cell) : cell))));
    const head = made("tr", {}, ...heads.map((name, nth) => made("th", { scope: "col", class: nth ? "number" : null }, name)));
    const notes = [
      "Where more was told than is drawn, each stretch keeps its first, last, lowest and highest value, and its first and last value that is not finite.",
      this.chart.passed ? `${this.chart.passed} more lines are not drawn: choose fewer places.` : "",
    ];
    const shown = made("div", { class: "wide", tabindex: 0, role: "region", "aria-label": `Lines of ${this.chart.name}` }, made("table", {}, made("thead", {}, head), made("tbody", {}, ...body)));
    this.table.replaceChildren(this.table.firstElementChild, shown, ...notes.filter((note) => note).map((note) => made("p", { class: "note" }, note)));
  }

  press(event) {
    if (!this.plot) return;
    const { min, max } = this.plot.scales.x, wide = max - min;
    const moves = { ArrowLeft: [-0.2, -0.2], ArrowRight: [0.2, 0.2], "+": [0.2, -0.2], "=": [0.2, -0.2], "-": [-0.3, 0.3] };
    const move = moves[event.key];
    if (event.key === "0") {
      this.zoomed = false;
      this.plot.setData(this.plot.data);
    } else if (move) {
      this.zoomed = true;
      this.plot.setScale("x", { min: min + move[0] * wide, max: max + move[1] * wide });
    } else return;
    event.preventDefault();
  }
}

// The nearest place at which a line has a value: other lines have points of their own.
function nearest(plot, series, at) {
  const values = plot.data[series];
  if (!series || (values[at] !== null && values[at] !== undefined)) return at;
  for (let off = 1; off < values.length; off += 1) {
    for (const next of [at - off, at + off]) if (values[next] !== null && values[next] !== undefined) return next;
  }
  return at;
}

function shade(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Room for a size in bytes: 520M.
function tick(value) {
  return value === null ? "" : Math.abs(value) >= 1e6 ? COMPACT.format(value) : value.toLocaleString("en", { maximumSignificantDigits: 6 });
}

function stroke(line, alpha) {
  const dashes = [undefined, [7, 4], [2, 3], [10, 3, 2, 3]];
  const dash = line.twin ? [4, 4] : dashes[Math.floor(line.shade / SHADES) % dashes.length];
  const colour = shade(`--line${line.shade % SHADES}`);
  // A steep line shows beside its gap by half of its width.
  const gaps = (plot, series, first, last, found) => found.map(([from, to]) => [from - 2, to + 2]);
  return { gaps, stroke: alpha < 1 ? colour + "55" : colour, width: line.twin ? 1.25 : 1.75, dash, spanGaps: false };
}
