// A dashboard in Grafana's dark theme and grid: `?board=URL&from=SECONDS&to=SECONDS`.
import { createTheme } from '@grafana/data';
import { GlobalStyles, ThemeContext } from '@grafana/ui';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';

import { marks, timeRange } from './ask.js';
import { Panel } from './panel.jsx';

const GAP = 8;
const theme = createTheme({ colors: { mode: 'dark' } });

/** Pixels of a place in the grid: 24 columns, rows of 30, with gaps. */
function pixels({ x, y, w, h }) {
  const column = (innerWidth - GAP) / 24;
  return { left: GAP + x * column, top: y * (30 + GAP), width: w * column - GAP, height: h * (30 + GAP) - GAP };
}

function Board({ board, range, found }) {
  const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const variables = board.templating.list.map((row) => `${row.label}: ${row.type === 'datasource' ? 'Prometheus' : 'All'}`);
  return (
    <>
      <h3 style={{ margin: '12px 16px 2px' }}>{board.title}</h3>
      <p style={{ margin: '0 16px 8px', opacity: 0.6 }}>{variables.join('   ·   ')}</p>
      <div style={{ position: 'relative', height: bottom * (30 + GAP) }}>
        {board.panels.map((panel) =>
          panel.type === 'row' ? (
            <h6 key={panel.id} style={{ position: 'absolute', margin: 0, paddingTop: 6, ...pixels(panel.gridPos) }}>
              {panel.title}
            </h6>
          ) : (
            <Panel key={panel.id} {...{ panel, board, range, theme, marks: found, place: pixels(panel.gridPos) }} />
          )
        )}
      </div>
    </>
  );
}

function Themed({ children }) {
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {children}
    </ThemeContext.Provider>
  );
}

const root = createRoot(document.getElementById('root'));
// The fonts first, because what fits is found by measuring.
flushSync(() => root.render(<Themed />));
await Promise.all([400, 500].map((weight) => document.fonts.load(`${weight} 14px Inter`)));

const board = await (await fetch(new URLSearchParams(location.search).get('board'))).json();
const range = timeRange();
const asked = board.annotations.list.filter((annotation) => annotation.enable);
const found = (await Promise.all(asked.map((annotation) => marks(annotation, board, range)))).flat();
const drawing = <Board board={board} range={range} found={found} />;
root.render(<Themed>{drawing}</Themed>);
