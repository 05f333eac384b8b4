/** @file What the language service knows while it answers: the fields that apply, the values around the cursor, the model. */
import path from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { adapterMethods } from '../adapters/registry';
import { fieldTable, type FieldTable } from '../config/fieldTable';
import { fieldText } from '../config/localizeSchema';
import { isObject, type Values } from '../config/values';
import type { KeyPath } from '../config/yamlSource';
import { modelHeader, type ModelHeader } from '../models/modelHeader';
import type { KeyFacts } from '../protocol/calls/config';
import { KernelError } from '../protocol/errors';
import type { Field } from '../util/fields';

export interface LanguageContext {
  /** Absolute path of the configuration, and the folder that its paths are relative to. */
  readonly file: string;
  readonly folder: string;
  readonly values: Values;
  readonly table: FieldTable;
  /** The base model, when the text names one that can be used. Read from its files' headers, once. */
  readonly model: () => ModelHeader | undefined;
}

/** `text`: the configuration, or what is left of it without the place that is being written. */
export function languageContext(file: string, text: string): LanguageContext {
  const absolute = path.resolve(file);
  const folder = path.dirname(absolute);
  const values = readableValues(text);
  return {
    file: absolute,
    folder,
    values,
    table: fieldTable(values, adapterMethods),
    model: () => modelOf(values, folder),
  };
}

/** What can be read of a text that may be broken elsewhere. */
function readableValues(text: string): Values {
  try {
    const values: unknown = parseDocument(text.replace(/^\uFEFF/, ''), {
      prettyErrors: false,
      logLevel: 'silent',
    }).toJS();
    return isObject(values) ? values : {};
  } catch {
    return {}; // an alias that leads nowhere, or too many of them
  }
}

function modelOf({ model }: Values, folder: string): ModelHeader | undefined {
  if (typeof model !== 'string' || model === '') return undefined;
  try {
    return modelHeader(path.resolve(folder, model));
  } catch (error) {
    // What is wrong with it is said by the check of the configuration.
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

export function keyFacts(at: KeyPath, field: Field<unknown>): KeyFacts {
  const { label, help, expected, unit, presence, default: standard } = field;
  return {
    path: at.join('.'),
    title: fieldText(label),
    help: fieldText(help),
    expected,
    presence,
    ...(unit !== undefined && { unit: fieldText(unit) }),
    ...(standard !== undefined && { default: inYaml(standard) }),
  };
}

/** A value on one line of YAML. */
export function inYaml(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}
