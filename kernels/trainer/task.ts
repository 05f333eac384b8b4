/** @file What a run asks of an encoder: the labels of its head, from the checkpoint, an adapter or the data, and their ids. */
import * as l10n from '@vscode/l10n';
import { removeFix } from '../config/fixes';
import { sectionFields } from '../config/sections';
import { isObject } from '../config/values';
import type { Answers } from '../data/batches';
import type { TokenDataset } from '../data/dataset';
import { labelId, sortedLabels } from '../data/labels';
import { isLabelled, type SampleFormat } from '../data/samples';
import { hasOwnHead, withTask, type BaseModel } from '../models/baseModel';
import { arePlaceholders } from '../models/encoder';
import type { SequenceTask } from '../models/types';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { Field, ModelKind } from '../util/fields';
import { concernsModel } from '../util/fields';

/** Throws when the format of the samples is not one for this model. `where`: the key that says so. */
export function refuseOtherFormat(format: SampleFormat | 'auto', model: BaseModel, file: string): void {
  if (format === 'auto' || isLabelled(format) === (model.task.kind !== 'next-token')) return;
  const { id } = model.architecture;
  const expected = isLabelled(format)
    ? l10n.t(
        'expected text, prompt-completion, instruction, messages or auto: {0} writes text and has no head for labels',
        id,
      )
    : l10n.t('expected classification, regression or auto: {0} answers for whole texts and does not write any', id);
  throw KernelError.refused([
    { file, where: 'data.format', severity: 'error', found: l10n.t('is {0}', format), expected },
  ]);
}

/**
 * Throws with every key of the configuration, as written, that can take effect on models of another kind alone
 * (`Field.modelKind`).
 */
export function refuseIdleKeys(written: unknown, model: BaseModel, file: string): void {
  const kind = modelKind(model);
  const { id } = model.architecture;
  const expected =
    kind === 'labels'
      ? l10n.t('{0} answers with the label of a text and writes none; remove this key', id)
      : l10n.t('{0} writes text and has no head for labels; remove this key', id);
  const problems = Object.entries(sectionFields).flatMap(([section, fields]) => {
    const values = isObject(written) ? written[section] : undefined;
    if (!isObject(values)) return [];
    const idle = Object.entries<Field<unknown>>(fields).filter(([, field]) => !concernsModel(field, kind));
    return idle.flatMap(([key]): Problem[] => {
      if (values[key] === undefined) return [];
      const where = `${section}.${key}`;
      const found = l10n.t('this key has no effect here');
      return [{ file, where, severity: 'error', found, expected, fixes: [removeFix([section, key])] }];
    });
  });
  if (problems.length > 0) throw KernelError.refused(problems);
}

/** What a model is for, as the fields of the configuration tell it. */
export const modelKind = ({ task }: Pick<BaseModel, 'task'>): ModelKind =>
  task.kind === 'next-token' ? 'text' : 'labels';

/**
 * A head for the training data: the one there is, that of the adapter training starts from (`known`), or a new one for the
 * labels that were found.
 */
export function headFor(model: BaseModel, data: TokenDataset, known?: SequenceTask): BaseModel {
  if (data.labels === null) return model;
  return withTask(model, known ?? taskOf(model, data));
}

function taskOf({ task, ...model }: BaseModel, data: TokenDataset): SequenceTask {
  const names = data.labels ?? [];
  if (data.format === 'regression') return { kind: 'regression' };
  const [only] = names;
  if (names.length === 1 && only !== undefined) {
    const found = l10n.t('all samples have the label {0}', JSON.stringify(only));
    throw KernelError.refused([
      {
        file: data.source(0).file,
        severity: 'error',
        found,
        expected: l10n.t('expected samples of two labels or more'),
      },
    ]);
  }
  const isNew = !hasOwnHead({ task, ...model });
  if (isNew || task.kind !== 'classification') return { kind: 'classification', labels: sortedLabels(names) };
  // A head whose labels nobody named takes the names of the data.
  const areNames = names.some((name) => labelId(task.labels, name) === undefined);
  const takesNames = arePlaceholders(task.labels) && areNames && names.length === task.labels.length;
  return takesNames ? { kind: 'classification', labels: sortedLabels(names) } : task;
}

/** What the labels of a set mean to a head. Throws with the place of the first label that it does not have. */
export function answersFor({ task }: BaseModel, data: TokenDataset): Answers | undefined {
  if (task.kind === 'next-token' || data.labels === null) return undefined;
  if ((data.format === 'regression') !== (task.kind === 'regression')) {
    const found = l10n.t('holds samples for a {0}', data.format);
    throw KernelError.refused([
      { file: data.source(0).file, severity: 'error', found, expected: l10n.t('expected {0}', task.kind) },
    ]);
  }
  if (task.kind === 'regression') return { kind: 'regression' };
  const ids = data.labels.map((name) => labelId(task.labels, name));
  const unknown = ids.indexOf(undefined);
  if (unknown < 0) return { kind: 'classification', ids: ids.map((id) => id ?? -1) };
  const first = Array.from({ length: data.length }).findIndex((_, i) => data.label(i) === unknown);
  const shown = task.labels.slice(0, 20).join(', ');
  const expected = l10n.t('expected one of the {0} labels of the head: {1}', task.labels.length, shown);
  const found = l10n.t('found {0}', JSON.stringify(data.labels[unknown]));
  throw KernelError.refused([
    { ...data.source(Math.max(first, 0)), where: 'label', severity: 'error', found, expected },
  ]);
}

/** A head that nobody trained yet has nothing to answer. */
export function refuseMissingHead(model: BaseModel): void {
  if (hasOwnHead(model)) return;
  const found = l10n.t('has no {0}: it was pretrained and never asked for labels', model.head.path);
  throw KernelError.refused([
    {
      file: model.dir,
      where: model.head.path,
      severity: 'error',
      found,
      expected: l10n.t('expected an adapter that has one (--adapter)'),
    },
  ]);
}

/** A model that answers for whole texts writes none. */
export function refuseWriting({ task, architecture, dir }: BaseModel): void {
  if (task.kind === 'next-token') return;
  const found = l10n.t('is a {0} model, which answers for whole texts and writes none', architecture.id);
  throw KernelError.refused([{ file: dir, severity: 'error', found, expected: l10n.t('expected a language model') }]);
}
