// One panel: asks, draws, and says on its element what came of it: drawn, placeholder, empty or error.
import { FieldType } from '@grafana/data';
import { PanelChrome } from '@grafana/ui';
import { Component, useEffect, useState } from 'react';

import { frames } from './ask.js';
import { styled } from './fields.js';
import { KINDS } from './kinds.jsx';

/** A panel at its place, in pixels. */
export function Panel({ panel, board, range, theme, marks, place }) {
  const [{ data, error }, tell] = useState({});
  useEffect(() => {
    frames(panel, board, range, place.width)
      .then(async (found) => tell({ data: await styled(found, panel, theme) }))
      .catch((problem) => tell({ error: problem.message }));
  }, [panel, board, range, theme, place.width]);
  const series = data?.filter(panel.type === 'table' ? (frame) => frame.length : answered).length;
  const Kind = KINDS[panel.type] ?? Placeholder;
  const status = error ? 'error' : !data ? 'waiting' : !series ? 'empty' : KINDS[panel.type] ? 'drawn' : 'placeholder';
  const nothing = panel.fieldConfig.defaults.noValue ?? 'No data';
  const shown = { panel, data, series, theme, range, marks, options: panel.options };
  const said = { 'data-panel': panel.title, 'data-kind': panel.type, 'data-status': status, 'data-error': error };
  return (
    <div {...said} style={{ position: 'absolute', ...place }}>
      <PanelChrome title={panel.title} description={panel.description} width={place.width} height={place.height}>
        {(width, height) => (
          <Guard tell={tell}>
            {series ? <Kind {...shown} {...{ width, height }} /> : <Note text={error ?? (data ? nothing : '')} />}
          </Guard>
        )}
      </PanelChrome>
    </div>
  );
}

/** What is NaN throughout is no answer. */
function answered(frame) {
  const numbers = frame.fields.filter((field) => field.type === FieldType.number);
  return numbers.some((field) => field.values.some(Number.isFinite));
}

function Placeholder({ panel, series }) {
  return <Note text={`${panel.description} (${panel.type}, ${series} series: not drawn here)`} />;
}

function Note({ text }) {
  return <p style={{ opacity: 0.6, padding: '8px 16px' }}>{text}</p>;
}

/** A component that raises leaves its name instead of a white page. */
class Guard extends Component {
  state = {};

  static getDerivedStateFromError() {
    return { failed: true };
  }

  componentDidCatch(problem) {
    this.props.tell({ error: problem.message });
  }

  render() {
    return this.state.failed ? null : this.props.children;
  }
}
