// Grafana's own components, fed as Grafana feeds them: one function a kind of panel.
import { getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useLayoutEffect } from 'react';

/** Components by the type of the panel; others are only asked for their data. */
export const KINDS = { timeseries: Lines, stat: Numbers, bargauge: Bars, table: Rows };

function Lines({ data, options, width, height, range, marks }) {
  const place = { width, height, timeRange: range, timeZone: 'browser' };
  return (
    <TimeSeries frames={data} options={options} legend={options.legend} {...place}>
      {(config) => <Marks config={config} marks={marks} />}
    </TimeSeries>
  );
}

/** A dashed vertical line where something happened. */
function Marks({ config, marks }) {
  useLayoutEffect(() => {
    config.addHook('draw', ({ ctx, bbox, valToPos }) => {
      ctx.save();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.setLineDash([5, 5]);
      for (const { time, color } of marks) {
        const x = valToPos(time, 'x', true);
        ctx.strokeStyle = color;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.restore();
    });
  }, [config, marks]);
  return null;
}

function Repeated({ data, options, theme, children, ...rest }) {
  const { reduceOptions } = options;
  const fieldConfig = { defaults: {}, overrides: [] };
  const replaceVariables = (text) => text;
  const values = () => getFieldDisplayValues({ data, reduceOptions, theme, fieldConfig, replaceVariables });
  return (
    <VizRepeater
      source={data}
      getValues={values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={children}
      renderCounter={0}
      orientation={options.orientation}
      {...rest}
    />
  );
}

function Numbers({ data, options, theme, width, height }) {
  return (
    <Repeated data={data} options={options} theme={theme} width={width} height={height} itemSpacing={3} autoGrid>
      {({ value, alignmentFactors, ...place }) => (
        <BigValue {...options} {...place} theme={theme} value={value.display} alignmentFactors={alignmentFactors} />
      )}
    </Repeated>
  );
}

function Bars({ data, options, theme, width, height }) {
  // Grafana heeds the sizes of a bar only where they are manual.
  const { sizing, minVizHeight, maxVizHeight } = options;
  const sizes = sizing === 'manual' ? { minVizHeight, maxVizHeight } : { minVizHeight: 16, maxVizHeight: 300 };
  return (
    <Repeated data={data} options={options} theme={theme} width={width} height={height} itemSpacing={10} {...sizes}>
      {({ value, count, ...place }) => (
        <BarGauge
          {...place}
          theme={theme}
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          displayMode={options.displayMode}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          showUnfilled={options.showUnfilled}
          itemSpacing={10}
        />
      )}
    </Repeated>
  );
}

function Rows({ data, options, width, height, range }) {
  return <TableNG {...options} initialSortBy={options.sortBy} data={data[0]} width={width} height={height} timeRange={range} />;
}
