// What is drawn: of the runs that are shown, each chart with its lines. Names are text and never markup.
"use strict";

const BROKEN = new Set(["nan", "inf", "-inf"]);
const SHADES = 8;
const MOST = 40;
const SECTIONS = ["Training", "Scalars", "Batches", "Policy", "Episodes", "Network", "Process"];

// An element with these attributes and parts; a text is put in as text.
function made(name, attributes = {}, ...parts) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...parts.filter((part) => part !== null && part !== undefined));
  return element;
}

// Charts by section, in the order in which the runs have them: {section, name, unit, means, along, lines}.
function chartsOf(shown, hidden) {
  const charts = new Map();
  const places = placesOf(shown);
  for (const run of shown) {
    for (const curve of run.curves) {
      const key = `${curve.section}\n${curve.chart}`;
      if (!charts.has(key)) charts.set(key, { ...curve, key, name: curve.chart, lines: [], passed: 0 });
      const chart = charts.get(key);
      const place = placeKey(run, curve);
      if (hidden.has(place)) continue;
      if (chart.lines.length >= MOST) chart.passed += 1;
      else chart.lines.push({ curve, name: nameOf(shown, run, curve), shade: places.get(place).shade, twin: curve.twin });
    }
  }
  for (const chart of charts.values()) {
    // Of layers and heads, each has a shade of its own.
    if (chart.lines.some((line) => line.curve.part && !line.twin)) chart.lines.forEach((line, nth) => { line.shade = nth; });
  }
  const order = (chart) => SECTIONS.indexOf(chart.section);
  return [...charts.values()].filter((chart) => chart.lines.length).sort((one, other) => order(one) - order(other));
}

function placeKey(run, curve) {
  return `${run.key}\n${curve.place}`;
}

// The places of the runs that are shown, each with its shade.
function placesOf(shown) {
  const places = new Map();
  for (const run of shown) {
    for (const curve of run.curves) {
      const key = placeKey(run, curve);
      const name = shown.length > 1 ? `${run.name}: ${curve.place}` : curve.place;
      if (!places.has(key)) places.set(key, { key, name, shade: places.size });
    }
  }
  return places;
}

function nameOf(shown, run, curve) {
  const parts = [shown.length > 1 ? run.name : "", curve.place, curve.part];
  return parts.filter((part) => part).join(" · ");
}

// Places and values as uPlot takes them: null is a gap. A line breaks where an episode ends.
function drawn(line, axis, smooth) {
  const { value, episode, along } = line.curve;
  const at = line.curve[axis];
  const xs = [], raw = [], soft = [], broken = [];
  let mean = 0, weight = 0;
  for (let nth = 0; nth < value.length; nth += 1) {
    if (nth && along !== "episode" && episode[nth] !== episode[nth - 1]) {
      const gap = (at[nth] + at[nth - 1]) / 2;
      if (gap > at[nth - 1] && gap < at[nth]) { xs.push(gap); raw.push(null); soft.push(null); }
      mean = weight = 0;
    }
    xs.push(at[nth]);
    if (BROKEN.has(value[nth])) {
      broken.push([at[nth], value[nth]]);
      raw.push(null);
      soft.push(null);
    } else {
      mean = mean * smooth + value[nth] * (1 - smooth);
      weight = weight * smooth + (1 - smooth);
      raw.push(value[nth]);
      soft.push(mean / weight);
    }
  }
  return { xs, raw, soft, broken };
}

function figure(value) {
  if (value === null || value === undefined) return "-";
  if (typeof value === "string") return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6 ? String(Number(value.toPrecision(5))) : value.toExponential(3);
}
