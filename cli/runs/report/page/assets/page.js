// The page: which runs and places are shown, how they are drawn, and, of runs that go on, what is new.
"use strict";

const INTERVAL = 2000;
const FIRST = 4;
const PLACES = 12;
const byId = (id) => document.getElementById(id);
const given = JSON.parse(byId("data").textContent);
const runs = new Map();
const shownKeys = new Set();
const hidden = new Set(), met = new Set();
const cards = new Map();
const view = { axis: "at", smooth: 0, filter: "", fresh: false };

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const card = entry.isIntersecting && [...cards.values()].find((each) => each.root === entry.target);
    if (card && !card.seen) card.draw();
  }
}, { rootMargin: "300px" });

// Take in what is known of runs; of those that are new, the first few are shown.
function take(list) {
  for (const entry of list) {
    if (!runs.has(entry.key) && shownKeys.size < FIRST) shownKeys.add(entry.key);
    runs.set(entry.key, { curves: [], ...runs.get(entry.key), ...entry });
  }
  for (const key of [...runs.keys()]) {
    if (!list.some((entry) => entry.key === key)) { runs.delete(key); shownKeys.delete(key); }
  }
}

function shownRuns() {
  return [...runs.values()].filter((run) => shownKeys.has(run.key));
}

function render() {
  listRuns();
  listPlaces();
  drawCharts();
  byId("articles").querySelectorAll("[data-run]").forEach((part) => { part.hidden = !shownKeys.has(part.dataset.run); });
}

function listRuns() {
  const rows = [...runs.values()].map((run) => {
    const box = made("input", { type: "checkbox", "aria-label": `Show ${run.name}`, onchange: () => choose(run.key, box.checked) });
    box.checked = shownKeys.has(run.key);
    const began = run.began ? new Date(run.began * 1000).toLocaleString() : "-";
    const cells = [run.name, run.state, run.verdict ?? "…", run.alerts ?? "…", run.events.toLocaleString("en"), began, run.path];
    return made("tr", {}, made("td", {}, box), ...cells.map((cell, nth) => made("td", { class: nth === 4 ? "number" : null }, cell)));
  });
  const open = document.activeElement?.closest("#runs tbody tr");
  const focus = open ? [...byId("runs").querySelectorAll("tbody tr")].indexOf(open) : -1;
  byId("runs").querySelector("tbody").replaceChildren(...rows);
  if (focus >= 0) byId("runs").querySelectorAll("tbody input")[focus]?.focus();
}

function choose(key, on) {
  if (on) shownKeys.add(key); else shownKeys.delete(key);
  view.fresh = true;
  render();
  view.fresh = false;
  if (given.live) ask();
}

// A button for each place; of many, the first are on.
function listPlaces() {
  const places = [...placesOf(shownRuns()).values()];
  for (const { key } of places) {
    if (!met.has(key) && met.size - hidden.size >= PLACES) hidden.add(key);
    met.add(key);
  }
  const buttons = places.map(({ key, name, shade: nth }) => {
    const press = () => { if (!hidden.delete(key)) hidden.add(key); render(); };
    return made("button", { type: "button", "aria-pressed": String(!hidden.has(key)), "data-place": key, onclick: press }, made("i", { class: `swatch shade${nth % SHADES}` }), name);
  });
  const focus = document.activeElement?.dataset?.place;
  byId("places").replaceChildren(...buttons);
  if (focus) buttons.find((button) => button.dataset.place === focus)?.focus();
  const off = places.filter(({ key }) => hidden.has(key)).length;
  byId("places-note").textContent = off ? `${places.length - off} of ${places.length} places are drawn.` : "";
}

function drawCharts() {
  const charts = chartsOf(shownRuns(), hidden).filter((chart) => chart.name.toLowerCase().includes(view.filter));
  const sections = new Map();
  for (const chart of charts) {
    if (!cards.has(chart.key)) {
      cards.set(chart.key, new Card());
      sight.observe(cards.get(chart.key).root);
    }
    cards.get(chart.key).show(chart, view);
    sections.set(chart.section, [...(sections.get(chart.section) ?? []), cards.get(chart.key).root]);
  }
  const parts = [...sections].flatMap(([name, roots]) => [name, roots]);
  const now = [...byId("charts").querySelectorAll("h3, .card")];
  const next = [...sections].flatMap(([name, roots]) => [name, ...roots]);
  // Cards that are there stay where they are, so that nothing jumps.
  if (now.length !== next.length || now.some((part, nth) => (part.matches(".card") ? part : part.textContent) !== next[nth])) {
    byId("charts").replaceChildren(...[...sections].flatMap(([name, roots]) => [made("h3", {}, name), made("div", { class: "cards" }, ...roots)]));
  }
  const none = parts.length ? "" : "No curve of that name, in the runs that are shown.";
  byId("charts-note").textContent = [none, leftOut(shownRuns())].filter((note) => note).join(" ");
}

// Points of lines for which a run had no room, by chart.
function leftOut(shown) {
  const lost = new Map();
  for (const run of shown) {
    for (const [chart, count] of Object.entries(run.left_out ?? {})) lost.set(chart, (lost.get(chart) ?? 0) + count);
  }
  const told = [...lost].map(([chart, count]) => `${chart} (${count.toLocaleString("en")} points)`);
  return told.length ? `Lines that had no room: ${told.join(", ")}.` : "";
}

function redraw() {
  view.fresh = true;
  drawCharts();
  view.fresh = false;
}

// Put the article of a run in place; what was opened in it stays open.
function place(key, html) {
  const articles = byId("articles");
  let part = [...articles.children].find((each) => each.dataset.run === key);
  if (!part) articles.append(part = made("div", { "data-run": key }));
  if (part.last === html) return;
  const open = new Map([...part.querySelectorAll("details")].map((each) => [each.firstElementChild.textContent, each.open]));
  part.last = html;
  part.innerHTML = html;
  for (const each of part.querySelectorAll("details")) each.open = open.get(each.firstElementChild.textContent) ?? each.open;
}

async function ask() {
  const want = [...shownKeys].map((key) => `${key}:${runs.get(key)?.revision ?? -1}`).join(",");
  try {
    const answer = await fetch(`data?want=${want}`);
    if (!answer.ok) throw new Error(answer.statusText);
    const told = await answer.json();
    const before = shownKeys.size;
    take(told.runs);
    for (const [key, page] of Object.entries(told.pages)) {
      if (!runs.has(key)) continue;
      place(key, page.article);
      delete page.article;
      Object.assign(runs.get(key), page);
    }
    byId("status").textContent = told.note;
    if (Object.keys(told.pages).length || shownKeys.size !== before) render(); else listRuns();
    if (shownKeys.size > before) ask();
  } catch {
    byId("status").textContent = "The server does not answer; what is shown may be old.";
  }
}

function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
  byId("theme").textContent = `Theme: ${name}`;
  byId("theme").dataset.now = name;
  redraw();
}

byId("theme").addEventListener("click", () => theme({ auto: "light", light: "dark", dark: "auto" }[byId("theme").dataset.now]));
byId("axis").addEventListener("change", (event) => { view.axis = event.target.value; redraw(); });
byId("smooth").addEventListener("input", (event) => { view.smooth = Number(event.target.value); byId("smoothed").textContent = view.smooth; redraw(); });
byId("filter").addEventListener("input", (event) => { view.filter = event.target.value.toLowerCase(); drawCharts(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
let late = 0;
addEventListener("resize", () => { clearTimeout(late); late = setTimeout(redraw, 150); });
// On paper all is light, drawn, and open.
addEventListener("beforeprint", () => {
  document.documentElement.dataset.theme = "light";
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  cards.forEach((card) => card.chart && card.root.isConnected && card.draw());
});
addEventListener("afterprint", () => theme(byId("theme").dataset.now));

take(given.runs);
render();
if (given.live) {
  ask();
  setInterval(() => { if (!document.hidden) ask(); }, INTERVAL);
}
