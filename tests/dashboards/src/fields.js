// What do the fields of a panel look like? Its transformations, units, limits, colours and overrides, applied.
import {
  FieldConfigOptionsRegistry,
  FieldType,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

const { mergeTransformer, organizeFieldsTransformer } = standardTransformers;
standardTransformersRegistry.setInit(() =>
  [mergeTransformer, organizeFieldsTransformer].map((known) => ({ ...known, transformation: async () => known }))
);

// What Grafana's panels take where the JSON says nothing.
const DEFAULTS = {
  color: { mode: 'thresholds' },
  thresholds: { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 80, color: 'red' }] },
};
const CUSTOM = { timeseries: { drawStyle: 'line', lineWidth: 1, pointSize: 5, showPoints: 'auto' } };

/** Frames as a panel shows them. */
export async function styled(found, panel, theme) {
  const data = await lastValueFrom(transformDataFrame(panel.transformations ?? [], found));
  const own = panel.fieldConfig.defaults;
  const custom = { ...CUSTOM[panel.type], ...own.custom };
  const source = { defaults: { ...DEFAULTS, ...own, custom }, overrides: panel.fieldConfig.overrides };
  const fieldConfig = JSON.parse(JSON.stringify(source), fromBelow);
  const shown = applyFieldOverrides({
    data,
    theme,
    fieldConfig,
    fieldConfigRegistry: registry(fieldConfig),
    replaceVariables: (text) => text,
    timeZone: 'browser',
  });
  cacheFieldDisplayNames(shown);
  return panel.type === 'timeseries' ? shown.map(finite) : shown;
}

/** As in Grafana, a line has a gap where its value is NaN or infinite. */
function finite(frame) {
  const kept = (value) => (Number.isFinite(value) ? value : null);
  const fields = frame.fields.map((field) => ({ ...field, values: field.values.map(kept) }));
  return { ...frame, fields };
}

/** The first limit holds from minus infinity, which JSON cannot say. */
function fromBelow(key, value) {
  return key === 'steps' ? value.map((step) => ({ ...step, value: step.value ?? -Infinity })) : value;
}

/** The settings that this panel uses; Grafana's own list of all that there are is part of its server's pages. */
function registry({ defaults: { custom, ...standard }, overrides }) {
  const set = overrides.flatMap((rule) => rule.properties.map((property) => property.id));
  const ids = new Set([...Object.keys(standard), ...Object.keys(custom).map((name) => `custom.${name}`), ...set]);
  return new FieldConfigOptionsRegistry(() =>
    [...ids].map((id) => ({
      id,
      name: id,
      path: id.replace('custom.', ''),
      isCustom: id.startsWith('custom.'),
      process: (value) => value,
      shouldApply: (field) => field.type !== FieldType.time,
    }))
  );
}
