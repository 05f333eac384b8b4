/** @file Which modules are adapted: PEFT's matching rules over module paths (target_modules, exclude_modules, layers, patterns). */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { TargetSite } from '../models/types';
import type { Selection } from './types';

/** A list entry equals the path or is its end after a dot; a string is a regular expression over the whole path. */
export function matchesModules(modules: string | readonly string[], path: string, key = 'target_modules'): boolean {
  if (typeof modules === 'string') return pattern(modules, key).test(path);
  return modules.some((entry) => path === entry || path.endsWith(`.${entry}`));
}

/** An entry of `modules_to_save` is the end of a path, even in the middle of a name, as in PEFT; what is inside counts too. */
export function savesModule(modulesToSave: readonly string[], path: string): boolean {
  const containers = path.split('.').map((_, i, parts) => parts.slice(0, i + 1).join('.'));
  return containers.some((container) => modulesToSave.some((entry) => container.endsWith(entry)));
}

/** Sites that the selection adapts, in the model's order: linear layers of blocks, and others that it names. */
export function adaptedSites(
  { sites, outerSites = [] }: { readonly sites: readonly TargetSite[]; readonly outerSites?: readonly TargetSite[] },
  selection: Selection,
): readonly TargetSite[] {
  const named = selection.targetModules === 'all-linear' ? [] : outerSites;
  return selectSites([...sites, ...named], selection);
}

/** A module that is saved as a whole is not adapted. */
function selectSites(sites: readonly TargetSite[], selection: Selection): readonly TargetSite[] {
  const { targetModules, excludeModules, layersToTransform, modulesToSave } = selection;
  return sites.filter(({ path, layer }) => {
    if (savesModule(modulesToSave, path)) return false;
    if (excludeModules !== null && matchesModules(excludeModules, path, 'exclude_modules')) return false;
    if (targetModules !== 'all-linear' && !matchesModules(targetModules, path)) return false;
    if (layersToTransform === null) return true;
    // A module named by its whole path is adapted whatever its layer, as in PEFT.
    if (typeof targetModules !== 'string' && targetModules.includes(path)) return true;
    return inPatternedLayer(path, selection) && layersToTransform.includes(layer);
  });
}

/** `layers_pattern` names the list the block index stands in, such as `layers` in `model.layers.3`; empty: any. */
function inPatternedLayer(path: string, { layersPattern }: Selection): boolean {
  return (
    layersPattern.length === 0 || layersPattern.some((p) => new RegExp(`(^|\\.)${escape(p)}\\.\\d+\\.`).test(path))
  );
}

/** The value of the first key of a rank or alpha pattern that matches the path as its end after a dot, or from its start. */
export function patternValue(
  patterns: Readonly<Record<string, number>>,
  path: string,
  key: string,
): number | undefined {
  return Object.entries(patterns).find(([p]) => pattern(`(.*\\.)?(${p})`, key, p).test(path))?.[1];
}

/**
 * A pattern of the user as a regular expression over the whole path; `written`: without what was put around it. Throws
 * `adapter/unsupported` at the key.
 */
export function pattern(source: string, key: string, written = source): RegExp {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch (cause) {
    // V8 says it of the expression with what was put around it: only the reason is of use.
    const reason = String(cause instanceof Error ? cause.message : cause).replace(/^.*: /s, '');
    const found = l10n.t('{0} is not a regular expression ({1})', JSON.stringify(written), reason);
    const expected = l10n.t('expected one that JavaScript knows');
    const problem: Problem = { file: '', where: `adapter.${key}`, severity: 'error', found, expected };
    throw new KernelError('adapter/unsupported', `${key}: ${found}; ${expected}`, { cause, problems: [problem] });
  }
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The module that a tensor of the base model belongs to. */
export const moduleOf = (tensor: string): string => tensor.slice(0, tensor.lastIndexOf('.'));
