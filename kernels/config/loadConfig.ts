/** @file Reads a `*.adapter.yaml`: every problem with its line, or the configuration with defaults and absolute paths. */
import { existsSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import { mapPaths, withDefaults, type ConfigOf, type Fields, type PathRule } from '../util/fields';
import { applyOverrides, parseOverride, type Override } from './overrides';
import { idleSections, ineffectiveKeys } from './rules';
import { isKnownPath } from './fieldTable';
import { adapterSection, type ConfigurableMethod } from './schema';
import {
  adapterFields,
  rootFields,
  sectionFields,
  type dataFields,
  type reloraFields,
  type runtimeFields,
  type samplesFields,
  type trainingFields,
  type watchdogFields,
} from './sections';
import { findPaths, pathIn, similarPaths } from './similarPaths';
import { removeFix, setFix } from './fixes';
import { validateValues, type Finding } from './validate';
import { isObject } from './values';
import { readUtf8, YamlSource, type KeyPath, type Position } from './yamlSource';

type Data = ConfigOf<typeof dataFields>;
type Training = ConfigOf<typeof trainingFields>;

/** A configuration that can be run: defaults filled in, paths absolute, single files as lists. */
export interface ResolvedConfig extends ConfigOf<typeof rootFields> {
  readonly data: Omit<Data, 'train' | 'eval'> & {
    readonly train: readonly string[];
    readonly eval: readonly string[] | undefined;
  };
  /** Keys of the method are here as well; `methodConfig` gives them their types. */
  readonly adapter: { readonly method: string; readonly [key: string]: unknown } & ConfigOf<typeof adapterFields>;
  /** `num_train_epochs` is undefined when `max_steps` is given. */
  readonly training: Omit<Training, 'num_train_epochs'> & { readonly num_train_epochs: number | undefined };
  readonly relora: ConfigOf<typeof reloraFields>;
  readonly samples: ConfigOf<typeof samplesFields>;
  readonly watchdog: ConfigOf<typeof watchdogFields>;
  readonly runtime: ConfigOf<typeof runtimeFields>;
}

export interface LoadOptions {
  /** Unsaved text of an editor, read in place of the file. */
  readonly text?: string;
  /** `section.key=value`, each as after `--set`. */
  readonly overrides?: readonly string[];
  readonly methods: readonly ConfigurableMethod[];
}

export interface LoadedConfig {
  /** Absent when a problem is an error. */
  readonly config?: ResolvedConfig;
  /**
   * The configuration as far as it can be used, where it names a model and a method: without the keys that were refused. For
   * finding further mistakes; nothing can be run with it.
   */
  readonly draft?: ResolvedConfig;
  readonly problems: readonly Problem[];
  /** The plain values as written in the file; `undefined` while the text is not YAML. */
  readonly values?: unknown;
  /** The same with the overrides in place. */
  readonly given?: unknown;
  /** Where the value at a key path stands in the file, or its nearest parent. */
  locate(path: KeyPath): Position | undefined;
  /** Where the key of that value stands; the item itself in a list. */
  locateKey(path: KeyPath): Position | undefined;
  /** A problem of this file that names its key, with the place of it: the line, or the override that was given in its stead. */
  placed(problem: Problem): Problem;
}

/**
 * Reads, checks and resolves the configuration in `file`. Relative paths, those of overrides too, are relative to the
 * folder of the file. Never throws for what is in the file: that is what `problems` is for.
 */
export function loadConfig(file: string, options: LoadOptions): LoadedConfig {
  const absolute = resolve(file);
  const read = options.text === undefined ? readUtf8(absolute) : { text: options.text, problems: [] };
  if (read.text === undefined) {
    const nowhere = (): undefined => undefined;
    return { problems: read.problems, locate: nowhere, locateKey: nowhere, placed: (problem) => problem };
  }
  const source = new YamlSource(absolute, read.text.replace(/^\uFEFF/, ''));
  const parsed = (options.overrides ?? []).map((o) => parseOverride(o, absolute));
  const overrides = parsed.filter((o): o is Override => 'path' in o);
  const places = {
    locate: (path: KeyPath) => source.locate(path),
    locateKey: (path: KeyPath) => source.locateKey(path),
    placed: (problem: Problem) => placed(problem, source, overrides),
  };
  const written = source.values;
  if (written === undefined) return { problems: source.problems, ...places };

  const refused = parsed.filter((o): o is Problem => 'found' in o);
  const given = applyOverrides(written, overrides, (path) => isKnownPath(path, options.methods));
  const values = withoutEmptySections(given);

  const invalid = validateValues(values, options.methods).map((finding) =>
    finding.isMissing ? withPathsToInsert(finding, dirname(absolute)) : finding,
  );
  const checkedPaths = isObject(values) ? checkPaths(values, dirname(absolute), options.methods, invalid) : undefined;
  const findings = [
    ...invalid,
    ...(isObject(given) ? idleSections(given) : []),
    ...(isObject(values) ? ineffectiveKeys(writtenIn(values)) : []),
    ...(checkedPaths ?? []),
  ];
  const problems = [
    ...source.problems,
    ...refused,
    ...findings.map((f) => toProblem(f, absolute, source, overrides)).sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
  ];
  const isUsable = isObject(values) && problems.every((p) => p.severity !== 'error');
  const refusedPaths = findings.flatMap(({ severity, path }) => (severity === 'warning' ? [] : [path]));
  const rest = isUsable ? values : usablePart(values, refusedPaths);
  const draft = rest && resolveConfig(rest, dirname(absolute), options.methods);
  return {
    ...(isUsable && draft && { config: draft }),
    ...(draft && { draft }),
    problems,
    values: written,
    given,
    ...places,
  };
}

/** Without the keys that were refused; undefined where no model or no method is left. */
function usablePart(values: unknown, refused: readonly KeyPath[]): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(values)) return undefined;
  const rest = structuredClone(values) as Record<string, unknown>;
  for (const [section, key] of refused) {
    if (section === undefined) return undefined;
    const own = rest[section];
    if (key !== undefined && isObject(own)) delete (own as Record<string, unknown>)[key];
    else delete rest[section];
  }
  const { adapter } = rest;
  return typeof rest['model'] === 'string' && isObject(adapter) && typeof adapter['method'] === 'string'
    ? rest
    : undefined;
}

/** The keys of the adapter section that belong to `method`, with their types. */
export function methodConfig<F extends Fields>(method: { readonly config: F }, config: ResolvedConfig): ConfigOf<F> {
  return withDefaults(method.config, config.adapter);
}

function resolveConfig(
  values: Readonly<Record<string, unknown>>,
  folder: string,
  methods: readonly ConfigurableMethod[],
): ResolvedConfig {
  const { '': root, ...sections } = Object.fromEntries(
    sectionsOf(values, methods).map(({ name, fields, values: own }) => [
      name,
      absolutePaths(fields, withDefaults(fields, own), folder),
    ]),
  );
  const { data, training } = sections;
  const asList = (value: unknown) => (typeof value === 'string' ? [value] : value);
  const resolved = {
    ...root,
    ...sections,
    data: { ...data, train: asList(data?.['train']), eval: asList(data?.['eval']) },
    training: training?.['max_steps'] === undefined ? training : { ...training, num_train_epochs: undefined },
  };
  // The schema made from the same fields has accepted the values, which is what gives each its type.
  return resolved as unknown as ResolvedConfig;
}

function absolutePaths(fields: Fields, values: Readonly<Record<string, unknown>>, folder: string) {
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [key, mapPaths(field, values[key], (p) => resolve(folder, p))]),
  );
}

interface Section {
  readonly name: string;
  readonly fields: Fields;
  readonly values: Readonly<Record<string, unknown>>;
}

/** The sections with what is written in each; without a usable method the adapter section has only the common keys. */
function sectionsOf(values: Readonly<Record<string, unknown>>, methods: readonly ConfigurableMethod[]): Section[] {
  const own = (name: string) => (isObject(values[name]) ? values[name] : {});
  const method = methods.find((m) => m.id === own('adapter')['method']);
  return [
    { name: '', fields: rootFields, values },
    { name: 'adapter', fields: method ? adapterSection(method, methods) : adapterFields, values: own('adapter') },
    ...Object.entries(sectionFields).map(([name, fields]) => ({ name, fields, values: own(name) })),
  ];
}

const OPTIONAL_SECTIONS: ReadonlySet<string> = new Set(Object.keys(sectionFields).filter((name) => name !== 'data'));

/** `training:` with nothing under it, as a form or a person leaves it, says the same as no such section. */
function withoutEmptySections(values: unknown): unknown {
  if (!isObject(values)) return values;
  const isEmpty = (name: string) => OPTIONAL_SECTIONS.has(name) && values[name] === null;
  return Object.fromEntries(Object.entries(values).filter(([name]) => !isEmpty(name)));
}

function writtenIn(values: Readonly<Record<string, unknown>>) {
  return {
    get: (section: string, key: string) => {
      const own = section === '' ? values : values[section];
      return isObject(own) ? own[key] : undefined;
    },
  };
}

/** Paths that do not exist, are of the wrong kind, or are listed twice. Values already refused are left alone. */
function checkPaths(
  values: Readonly<Record<string, unknown>>,
  folder: string,
  methods: readonly ConfigurableMethod[],
  refused: readonly Finding[],
): Finding[] {
  const findings: Finding[] = [];
  const isRefused = (path: KeyPath) => refused.some((f) => f.path.every((step, i) => path[i] === step));
  const seen = new Map<string, KeyPath>();
  for (const section of sectionsOf(values, methods)) {
    for (const [key, field] of Object.entries(section.fields)) {
      mapPaths(field, section.values[key], (written, rule, inside) => {
        const path = [...(section.name === '' ? [] : [section.name]), key, ...inside];
        if (isRefused(path)) return written;
        const absolute = resolve(folder, written);
        const wrong = wrongPath(written, absolute, rule, key);
        if (wrong) {
          const better = similarPaths(folder, written, { ...rule, mark: MARKS[key]?.file });
          findings.push({ path, ...wrong, ...(better.length > 0 && { fixes: better.map((p) => setFix(path, p)) }) });
        }
        if (section.name !== 'data') return written;
        const before = seen.get(absolute);
        if (before) findings.push({ ...repeatedFile(path, before, written), fixes: [removeFix(path)] });
        else seen.set(absolute, path);
        return written;
      });
    }
  }
  return findings;
}

/** A training file twice would count its samples twice; one that is trained on cannot tell how well the rest is learnt. */
function repeatedFile(path: KeyPath, before: KeyPath, written: string): Finding {
  const found = l10n.t('found {0} for the second time', written);
  return path[1] === before[1]
    ? { path, found, expected: l10n.t('expected each file once') }
    : { path, found, expected: l10n.t('it is trained on as well, so this loss says little'), severity: 'warning' };
}

/** A file that tells that a folder is what its key asks for. */
const MARKS: Readonly<Record<string, { readonly file: string; readonly what: string }>> = {
  model: { file: 'config.json', what: l10n.t('a checkpoint folder') },
  init_from: { file: 'adapter_config.json', what: l10n.t('an adapter folder') },
};

const MOST_OFFERED = 3;

/** A missing path is offered as what lies around the configuration and could be meant. */
function withPathsToInsert(finding: Finding, folder: string): Finding {
  const [section, key] = finding.path;
  const path = section === 'data' ? ['data', 'train'] : finding.path;
  const rule = section === 'model' ? rootFields.model.path : sectionFields.data.train.parts[0]?.path;
  if (!rule || !(section === 'model' || (section === 'data' && (key === undefined || key === 'train')))) return finding;
  const isLikely = (file: string) => /train/i.test(basename(file));
  const found = findPaths(folder, { ...rule, mark: MARKS[String(path.at(-1))]?.file });
  const offered = [...found.filter(isLikely), ...found.filter((file) => !isLikely(file))].slice(0, MOST_OFFERED);
  const fixes = offered.map((file) => {
    const written = pathIn(folder, file);
    return setFix(path, written, l10n.t('Insert {0}: {1}', path.at(-1) ?? '', written));
  });
  return fixes.length > 0 ? { ...finding, fixes } : finding;
}

function wrongPath(written: string, absolute: string, rule: PathRule, key: string) {
  const what = MARKS[key]?.what ?? (rule.kind === 'file' ? l10n.t('a file') : l10n.t('a folder'));
  let stats: Stats | undefined;
  try {
    stats = statSync(absolute, { throwIfNoEntry: false });
  } catch (error) {
    return {
      found: l10n.t('{0} cannot be read ({1})', written, String(error)),
      expected: l10n.t('expected {0}', what),
    };
  }
  if (!stats) {
    if (!rule.exists) return undefined;
    return { found: l10n.t('{0} does not exist', written), expected: l10n.t('expected {0} at {1}', what, absolute) };
  }
  if (rule.kind === 'folder') {
    if (!stats.isDirectory())
      return { found: l10n.t('{0} is a file', written), expected: l10n.t('expected {0}', what) };
    const mark = MARKS[key]?.file;
    if (mark !== undefined && !existsSync(join(absolute, mark)))
      return { found: l10n.t('{0} has no {1}', written, mark), expected: l10n.t('expected {0}', what) };
    return undefined;
  }
  if (stats.isDirectory()) return { found: l10n.t('{0} is a folder', written), expected: l10n.t('expected a file') };
  if (rule.extensions && !rule.extensions.includes(extname(absolute).toLowerCase()))
    return {
      found: l10n.t('{0} has an unknown ending', written),
      expected: l10n.t('expected one of {0}', rule.extensions.join(', ')),
    };
  return undefined;
}

function toProblem(finding: Finding, file: string, source: YamlSource, overrides: readonly Override[]): Problem {
  const { found, expected, severity = 'error', path, fixes } = finding;
  const override = overrides.find((o) => o.path.every((step, i) => path[i] === step));
  if (override) return { file, where: `--set ${override.path.join('.')}`, severity, found, expected };
  const place = finding.isKey ? source.locateKey(path) : source.locate(path);
  const where = path.length > 0 ? { where: path.join('.') } : {};
  return { file, ...place, ...where, severity, found, expected, ...(fixes && { fixes }) };
}

/** A key that was found to be wrong with the help of other files; one of an override has no line. */
function placed(problem: Problem, source: YamlSource, overrides: readonly Override[]): Problem {
  const path = keyPathOf(problem.where ?? '');
  const override = overrides.find((o) => path.every((step, i) => o.path[i] === undefined || o.path[i] === step));
  if (override) return { ...problem, where: `--set ${override.path.join('.')}` };
  return { ...problem, ...source.locate(path) };
}

const keyPathOf = (where: string): KeyPath =>
  where.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
