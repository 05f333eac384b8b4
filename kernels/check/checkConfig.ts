/** @file What is wrong with a configuration, and what it would train: diagnostics and the summary line of the form. */
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { AdapterPlan } from '../adapters/plan';
import { adapterMethods } from '../adapters/registry';
import { loadConfig } from '../config/loadConfig';
import { isObject } from '../config/values';
import type { LoadedConfig, ResolvedConfig } from '../config/loadConfig';
import { modelHeader, type ModelHeader } from '../models/modelHeader';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { CheckedConfig } from '../protocol/calls/config';
import type { ConfigSummary } from '../protocol/kernelApi';
import { refusedProblems } from '../trainer/judgement';
import { adapterPlan, planFor, refuseLongSamples, threadsOf } from '../trainer/prepare';
import { modelKind, refuseIdleKeys, refuseOtherFormat } from '../trainer/task';
import type { ModelKind } from '../util/fields';
import { withModelFixes } from './modelFixes';

/**
 * The configuration of a file for whoever runs it. Throws `input/refused` with every problem that `check` names too, with their
 * places; what is only odd goes to `onWarning`.
 */
export function readConfig(
  file: string,
  overrides: readonly string[] = [],
  onWarning: (problem: Problem) => void = () => undefined,
): ResolvedConfig {
  const { config, problems } = judgeConfig(file, overrides);
  const errors = problems.filter((p) => p.severity === 'error');
  if (!config || errors.length > 0) throw KernelError.refused(errors);
  problems.forEach(onWarning);
  return config;
}

/** The configuration, where it can be used, and all that is wrong with it and with the files of its model. */
export function judgeConfig(
  file: string,
  overrides: readonly string[] = [],
): { readonly config?: ResolvedConfig; readonly problems: readonly Problem[] } {
  const loaded = loadConfig(file, { overrides, methods: adapterMethods });
  const { config } = loaded;
  const { problems, refusal } = problemsOf(loaded, file);
  // Whoever asks for the model by this file can open its files as well: they are named as they are.
  const ofModel = refusal === undefined ? [] : (refusedProblems(refusal, loaded.draft?.model ?? file) ?? []);
  return { ...(config && { config }), problems: [...problems, ...ofModel] };
}

/** What an editor shows in the text of a configuration. */
export function checkConfig(file: string, text?: string): CheckedConfig {
  const loaded = loadConfig(file, { methods: adapterMethods, ...(text !== undefined && { text }) });
  const kind = modelKindOf(loaded.values, file);
  const { problems, refusal, summary } = problemsOf(loaded, file);
  const ofModel = refusal === undefined ? [] : located(refusal, loaded, file, ['model']);
  return {
    problems: [...problems, ...ofModel],
    ...(summary && { summary }),
    ...(kind && { modelKind: kind }),
  };
}

/** The kind of the base model that is named, whatever else is wrong. */
function modelKindOf(values: unknown, file: string): ModelKind | undefined {
  const dir = isObject(values) ? values['model'] : undefined;
  if (typeof dir !== 'string' || dir === '') return undefined;
  try {
    return modelKind(modelHeader(path.resolve(path.dirname(file), dir)));
  } catch (error) {
    // Why it cannot be used is among the problems.
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

interface Judged {
  readonly problems: readonly Problem[];
  readonly summary?: ConfigSummary;
  /** Why the model cannot be opened. */
  readonly refusal?: KernelError;
}

/** Everything that is wrong with a configuration that can be told from its text and the headers of its model. */
function problemsOf(loaded: LoadedConfig, file: string): Judged {
  const { config, draft, problems } = loaded;
  if (!draft) return { problems };
  let model: ModelHeader;
  try {
    model = modelHeader(draft.model);
  } catch (error) {
    if (!KernelError.is(error)) throw error;
    return { problems, refusal: error };
  }
  const found = [...problems];
  const refused = problems.flatMap(({ where, severity }) => (severity === 'error' ? [where ?? ''] : []));
  const attempt = <T>(key: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      // What was refused already is left out of a draft, and whatever is said of the value in its place is of no use.
      const isNew = (p: Problem): boolean => !refused.some((where) => `${p.where}.`.startsWith(`${where}.`));
      found.push(...located(error, loaded, file, [key], model).filter(isNew));
      return undefined;
    }
  };
  attempt('data', () => refuseLongSamples(draft, model, file));
  attempt('data', () => refuseOtherFormat(draft.data.format, model, file));
  attempt('data', () => refuseIdleKeys(loaded.given, model, file));
  attempt('runtime', () => threadsOf(draft, file));
  const plan = attempt('adapter', () => (config ? planFor(config, model, file) : adapterPlan(draft, model, file)));
  return { problems: found, ...(config && plan && { summary: summarise(plan, model) }) };
}

function summarise(plan: AdapterPlan, { parameterCount, architecture, sites }: ModelHeader): ConfigSummary {
  return {
    trainableParameters: plan.trainedSize,
    baseParameters: parameterCount,
    adaptedModules: plan.layers.length,
    linearModules: sites.length,
    method: plan.method.id,
    modelType: architecture.id,
  };
}

/** Problems found behind the configuration, placed at the key of the configuration that led there. */
function located(
  error: unknown,
  loaded: LoadedConfig,
  file: string,
  fallback: readonly string[],
  model?: ModelHeader,
): readonly Problem[] {
  if (!KernelError.is(error)) throw error;
  const own = {
    file,
    severity: 'error' as const,
    where: fallback.join('.'),
    found: error.message,
    expected: l10n.t('expected something that can be used'),
  };
  const problems: readonly Problem[] = error.problems.length > 0 ? error.problems : [own];
  return problems.map((p) => {
    const isOurs = p.file === file && p.where !== undefined;
    const found = isOurs ? p.found : `${p.file}${p.where === undefined ? '' : `, ${p.where}`}: ${p.found}`;
    const placed = { ...p, file, where: isOurs ? p.where : fallback.join('.'), found };
    const fixed = model ? withModelFixes(placed, loaded.given, model) : placed;
    return loaded.placed(fixed);
  });
}
