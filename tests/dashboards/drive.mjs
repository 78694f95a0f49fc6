// Draws dashboards in a headless Chromium: `node drive.mjs ASKED`. ASKED is JSON of chromium (its path), prometheus (its
// address), from and to (Unix seconds), width (pixels), out (a folder) and boards (files by name). Writes NAME.png, and
// NAME-top.png of the first screen; prints what came of each panel, and what the page raised.
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const FIRST_SCREEN = 1000;
const asked = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
const page = await browser.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(String(error)));
// Files are handed out as if Prometheus did, so that the page may ask it.
const home = `${asked.prometheus}/drawn/`;
await page.route(`${home}**`, (route) => route.fulfill({ path: file(new URL(route.request().url()).pathname) }));
const drawn = {};
for (const name of Object.keys(asked.boards)) {
  drawn[name] = await shot(name).catch((error) => {
    problems.push(`${name}: ${error.message}`);
    return [];
  });
}
await browser.close();
console.log(JSON.stringify({ drawn, problems }));

async function shot(name) {
  const { from, to, width } = asked;
  await page.setViewportSize({ width, height: 600 });
  await page.goto(`${home}?${new URLSearchParams({ board: name, from, to })}`);
  await page.waitForSelector('[data-panel]');
  await page.waitForFunction(() => !document.querySelector('[data-status=waiting]'));
  // What lies outside the window is not always painted.
  await page.setViewportSize({ width, height: await page.evaluate(() => document.body.scrollHeight) });
  // Canvases and tables are filled in the frames after.
  await page.waitForTimeout(500);
  const places = await page.$$eval('[data-panel]', (panels) => panels.map((panel) => panel.getBoundingClientRect()));
  const bottoms = places.map(({ bottom }) => bottom);
  const height = 8 + Math.max(...bottoms.filter((bottom) => bottom < FIRST_SCREEN));
  await page.screenshot({ path: join(asked.out, `${name}-top.png`), clip: { x: 0, y: 0, width, height } });
  await page.screenshot({ path: join(asked.out, `${name}.png`) });
  return Promise.all((await page.$$('[data-panel]')).map((element) => element.evaluate(state)));
}

/** Where a file of the page lies; icons and fonts are asked for where Grafana's server has them. */
function file(pathname) {
  const name = pathname.split('/drawn/')[1];
  const [, icon] = name.split('public/build/');
  const weight = name.endsWith('Medium.woff2') ? 500 : 400;
  let path = `dist/${name || 'index.html'}`;
  if (icon) path = `node_modules/@grafana/ui/dist/public/${icon}`;
  const font = `node_modules/@fontsource/inter/files/inter-latin-${weight}-normal.woff2`;
  if (name.startsWith('public/fonts/')) path = font;
  return asked.boards[name] ?? join(import.meta.dirname, path);
}

/** What a panel came to, as seen in the page; one that says it is drawn must have something in it. */
function state(element) {
  const { panel: title, kind, status, error = '' } = element.dataset;
  const written = () => element.querySelector('section > div:last-child').textContent !== '';
  const proofs = {
    timeseries: () => element.querySelector('canvas') !== null,
    table: () => element.querySelectorAll('[role=row]').length > 1,
    stat: written,
    bargauge: written,
  };
  const blank = status === 'drawn' && !proofs[kind]();
  return { title, state: blank ? 'error' : status, error: blank ? 'nothing was drawn' : error };
}
