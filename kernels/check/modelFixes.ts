/** @file Ways to put right what a configuration asks of its model and the model does not have: nearest names, possible limits. */
import * as l10n from '@vscode/l10n';
import { matchesModules } from '../adapters/targets';
import { removeFix, renameFix, setFix, similar } from '../config/fixes';
import { isObject, valueAt } from '../config/values';
import type { KeyPath } from '../config/yamlSource';
import type { ModelHeader } from '../models/modelHeader';
import type { Fix, Problem } from '../protocol/errors';

/** Names under which a person may mean a module: the last part of its path. */
export function moduleNames(model: Pick<ModelHeader, 'sites'>): string[] {
  return [...new Set(model.sites.map(({ projection }) => projection))];
}

/** Modules that have weights of their own, by the last part of their path: `embed_tokens`, `norm`, `lm_head`. */
export function savableNames(model: Pick<ModelHeader, 'tensors' | 'head'>): string[] {
  const modules = [...model.tensors.keys()].map((tensor) => tensor.slice(0, tensor.lastIndexOf('.')));
  return [...new Set([...modules, model.head.path].map((path) => path.slice(path.lastIndexOf('.') + 1)))];
}

/** The problem at the entry it is about, with fixes. `values`: the configuration as written. */
export function withModelFixes(problem: Problem, values: unknown, model: ModelHeader): Problem {
  const path: KeyPath = (problem.where ?? '').split('.');
  if (problem.where === 'data.max_length') {
    const { maxLength } = model.config;
    return withFixes(problem, [setFix(path, maxLength)]);
  }
  if (path[0] !== 'adapter') return problem;
  const written = valueAt(values, path);
  switch (path[1]) {
    case 'target_modules':
    case 'exclude_modules':
      return listFixes(problem, path, written, moduleNames(model), (entry) =>
        model.sites.some((site) => matchesModules([entry], site.path)),
      );
    case 'modules_to_save':
      return listFixes(problem, path, written, savableNames(model), (entry) => !isAbout(problem, entry));
    case 'rank_pattern':
    case 'alpha_pattern':
      return patternFixes(problem, path, written, moduleNames(model));
    case 'bias':
      return withFixes(problem, [setFix(path, 'none'), removeFix(path)]);
    case 'num_layers':
      return withFixes(problem, [setFix(path, model.config.layers)]);
    case 'method':
      return withFixes(problem, [setFix(path, 'lora')]);
    case 'layers_pattern':
    case 'layers_to_transform':
      return withFixes(problem, [removeFix(path)]);
    default:
      return problem;
  }
}

function listFixes(
  problem: Problem,
  path: KeyPath,
  written: unknown,
  names: readonly string[],
  isKnown: (entry: string) => boolean,
): Problem {
  if (!Array.isArray(written)) {
    const all = path[1] === 'target_modules' ? [setFix(path, 'all-linear')] : [removeFix(path)];
    return withFixes(problem, all);
  }
  const entries: readonly unknown[] = written;
  const isUnknown = (entry: unknown): entry is string => typeof entry === 'string' && !isKnown(entry);
  // The entry that the problem is about; one about all of them is placed at the first.
  const named = entries.findIndex((entry) => isUnknown(entry) && isAbout(problem, entry));
  const at = named === -1 ? entries.findIndex(isUnknown) : named;
  const entry = entries[at];
  if (typeof entry !== 'string') return problem;
  const near = similar(
    entry,
    names.filter((name) => !entries.includes(name)),
  );
  const place = [...path, at];
  const fixes = [...near.map((name) => setFix(place, name)), ...remainder(path, entries, at)];
  return { ...withFixes(suggesting(problem, near), fixes), where: place.join('.') };
}

/** Without the entry, or without the key when that was the only one. */
function remainder(path: KeyPath, entries: readonly unknown[], at: number): Fix[] {
  if (entries.length === 1) return [removeFix(path)];
  const rest = entries.filter((_, i) => i !== at);
  return [setFix(path, rest, l10n.t('Remove {0}', String(entries[at])))];
}

function patternFixes(problem: Problem, path: KeyPath, written: unknown, names: readonly string[]): Problem {
  if (!isObject(written)) return problem;
  const key = Object.keys(written).find((name) => isAbout(problem, name));
  if (key === undefined) return problem;
  const isName = /^[\w.]+$/.test(key);
  const near = isName
    ? similar(
        key,
        names.filter((name) => written[name] === undefined),
      )
    : [];
  const entry = [...path, key];
  return withFixes(suggesting(problem, near), [...near.map((name) => renameFix(entry, name)), removeFix(entry)]);
}

/** Whether the problem begins with the name, plain or in quotes; what follows it depends on the language. */
const isAbout = ({ found }: Problem, name: string): boolean =>
  found.startsWith(JSON.stringify(name)) || (found.startsWith(name) && !/[\w.*-]/.test(found.charAt(name.length)));

/** The nearest name in the text too, for whoever reads it outside the editor. */
function suggesting(problem: Problem, [nearest]: readonly string[]): Problem {
  if (nearest === undefined) return problem;
  return { ...problem, expected: l10n.t('{0}; did you mean {1}?', problem.expected, nearest) };
}

const withFixes = (problem: Problem, fixes: readonly Fix[]): Problem =>
  fixes.length > 0 ? { ...problem, fixes } : problem;
