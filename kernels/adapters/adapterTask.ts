/** @file What an adapter of an encoder was trained to answer: the names of its labels, or at least their number. */
import { openPeftAdapter } from '../formats/peft';
import type { SequenceHead, SequenceTask } from '../models/types';

/** The names by the text of their ids, as adapter_config.json and config.json hold them. */
export function labelsById(task: SequenceTask): Readonly<Record<string, string>> {
  const labels = task.kind === 'regression' ? ['LABEL_0'] : task.labels;
  return Object.fromEntries(labels.map((label, id) => [String(id), label]));
}

/**
 * The task of the adapter in a folder, which may have another number of labels than a head that is still to be made. PEFT's
 * own files do not name the labels: then their number is that of the rows of the head's last weight. Errors as `readAdapter`.
 */
export function adapterTask(dir: string, head: SequenceHead): SequenceTask {
  const { rawConfig, extra, close } = openPeftAdapter(dir);
  try {
    const last = head.modules.get(head.path)?.at(-1)?.name;
    const rows = last === undefined ? undefined : extra.get(last)?.shape[0];
    const names = namesOf(rawConfig['id2label']);
    if (names) return names.length === 1 ? { kind: 'regression' } : { kind: 'classification', labels: names };
    const { task } = head;
    const known = task.kind === 'regression' ? 1 : task.labels.length;
    if (rows === undefined || rows === known) return task;
    if (rows === 1) return { kind: 'regression' };
    return { kind: 'classification', labels: Array.from({ length: rows }, (_, i) => `LABEL_${i}`) };
  } finally {
    close();
  }
}

function namesOf(value: unknown): readonly string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  const sorted = entries.sort(([a], [b]) => Number(a) - Number(b));
  const isComplete = sorted.every(([id, name], i) => id === String(i) && typeof name === 'string');
  return isComplete && sorted.length > 0 ? sorted.map(([, name]) => String(name)) : undefined;
}
