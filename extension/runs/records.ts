/** @file The door for records of a run folder: what has not the fields that the curves need is refused, line by line. */
import type {
  ActivityRecord,
  MetricRecord,
  RunEvent,
  SampleRecord,
  SpectrumRecord,
} from '../../kernels/protocol/types';

/** One line of `metrics.jsonl`. Throws when it is neither a training nor an evaluation record. */
export function parseMetric(value: unknown): MetricRecord {
  const record = fieldsOf(value);
  requireNumbers(record, ['step', 'time']);
  if (record['kind'] === 'eval') return record as unknown as MetricRecord;
  if (record['kind'] !== 'train') throw new Error(`found kind ${String(record['kind'])}; expected train or eval`);
  requireNumbers(record, ['epoch', 'tokens', 'step_seconds']);
  fieldsOf(record['learning_rate']);
  return record as unknown as MetricRecord;
}

/** One line of `spectra.jsonl`. */
export function parseSpectrum(value: unknown): SpectrumRecord {
  const record = fieldsOf(value);
  requireNumbers(record, ['step']);
  if (typeof record['module'] !== 'string') throw new Error('found no module; expected the name of one');
  if (!Array.isArray(record['singular_values'])) throw new Error('found no singular_values; expected a list');
  return record as unknown as SpectrumRecord; // the fields that are read were looked at above
}

/** One line of `activity.jsonl`. */
export function parseActivity(value: unknown): ActivityRecord {
  const record = fieldsOf(value);
  requireNumbers(record, ['step']);
  if (typeof record['verdict'] !== 'string') throw new Error('found no verdict; expected one');
  if (!Array.isArray(record['figures'])) throw new Error('found no figures; expected a list');
  for (const figure of record['figures'].map(fieldsOf)) {
    for (const name of ['id', 'label', 'unit', 'verdict', 'rule']) {
      if (typeof figure[name] !== 'string') throw new Error(`found no text as ${name} of a figure; expected one`);
    }
    if (!Array.isArray(figure['rule_values'])) throw new Error('found no rule_values of a figure; expected a list');
  }
  return record as unknown as ActivityRecord; // the fields that are read were looked at above
}

/** One line of `samples.jsonl`. */
export function parseSample(value: unknown): SampleRecord {
  const record = fieldsOf(value);
  requireNumbers(record, ['step', 'index']);
  for (const name of ['prompt', 'text']) {
    if (typeof record[name] !== 'string') throw new Error(`found no text as ${name}; expected one`);
  }
  return record as unknown as SampleRecord; // the fields that are read were looked at above
}

/** One line of `events.jsonl`. */
export function parseEvent(value: unknown): RunEvent {
  const record = fieldsOf(value);
  requireNumbers(record, ['time', 'step']);
  if (typeof record['event'] !== 'string') throw new Error('found no event; expected the name of one');
  return record as unknown as RunEvent;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`found ${typeof value}; expected an object`);
  return value as Record<string, unknown>;
}

function requireNumbers(record: Record<string, unknown>, names: readonly string[]): void {
  for (const name of names) {
    if (typeof record[name] !== 'number') throw new Error(`found no number as ${name}; expected one`);
  }
}
