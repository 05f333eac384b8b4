/**
 * @file Keys that are right by themselves but cannot take effect together with others. Only a key that somebody wrote is
 * refused; a default that has nothing to do is silent.
 */
import * as l10n from '@vscode/l10n';
import { removeFix, setFix } from './fixes';
import type { Finding } from './validate';
import { isObject, type Values } from './values';

/** A configuration as written, defaults not filled in: sections by name, '' for the top level. */
export interface Written {
  get(section: string, key: string): unknown;
}

interface Rule {
  readonly section: string;
  readonly key: string;
  /** Why the written value cannot take effect, or undefined when it can. */
  readonly reason: (written: Written, value: unknown) => string | undefined;
  readonly severity?: 'warning';
}

const hasEvalData = (w: Written) => w.get('data', 'eval') !== undefined || w.get('data', 'eval_fraction') !== undefined;
const hasPrompts = (w: Written) => {
  const prompts = w.get('samples', 'prompts');
  return Array.isArray(prompts) && prompts.length > 0;
};
/** Schedules that follow the cycles of restarts. */
const OF_CYCLES: readonly unknown[] = ['cosine_restarts', 'cyclical_cosine'];
const hasRestarts = (w: Written) => w.get('relora', 'every') !== undefined;
const schedule = (w: Written) => w.get('training', 'lr_scheduler_type');
const isAtLeast = (value: unknown, limit: unknown) =>
  typeof value === 'number' && typeof limit === 'number' && value >= limit;
const NO_RESTARTS = () => l10n.t('there are no restarts; write relora.every, or remove this key');
const LABELLED: ReadonlySet<unknown> = new Set(['classification', 'regression']);
const NO_EVAL = l10n.t('there is no evaluation data; write data.eval or data.eval_fraction, or remove this key');

const RULES: readonly Rule[] = [
  {
    section: 'training',
    key: 'num_train_epochs',
    reason: (w) =>
      w.get('training', 'max_steps') === undefined
        ? undefined
        : l10n.t('training.max_steps already says how long to train; remove one of the two'),
  },
  {
    section: 'data',
    key: 'eval_fraction',
    reason: (w) =>
      w.get('data', 'eval') === undefined
        ? undefined
        : l10n.t('data.eval already says what to evaluate on; remove one of the two'),
  },
  {
    section: 'training',
    key: 'loraplus_lr_ratio',
    reason: (_, value) =>
      value === 1 ? l10n.t('a ratio of 1 is one learning rate for all; remove this key') : undefined,
  },
  {
    section: 'training',
    key: 'loraplus_lr_embedding',
    reason: (w) =>
      w.get('training', 'loraplus_lr_ratio') === undefined
        ? l10n.t('it is a rate of LoRA+; write training.loraplus_lr_ratio, or remove this key')
        : undefined,
  },
  ...['init_lora_weights', 'frozen_init', 'd_initial'].map((key): Rule => ({
    section: 'adapter',
    key,
    reason: (w) =>
      w.get('adapter', 'init_from') === undefined
        ? undefined
        : l10n.t('the adapter starts as init_from has it; remove one of the two'),
  })),
  {
    section: 'adapter',
    key: 'decay_magnitude',
    reason: (w, value) =>
      value === true && (w.get('training', 'weight_decay') ?? 0) === 0
        ? l10n.t('nothing decays; write training.weight_decay, or remove this key')
        : undefined,
  },
  {
    section: 'training',
    key: 'lr_scheduler_type',
    reason: (w, value) =>
      OF_CYCLES.includes(value) && !hasRestarts(w)
        ? l10n.t(
            '{0} follows the cycles of restarts, and there are none; write relora.every, or another schedule',
            String(value),
          )
        : undefined,
  },
  {
    section: 'training',
    key: 'min_lr_ratio',
    reason: (w) =>
      OF_CYCLES.includes(schedule(w))
        ? undefined
        : l10n.t('only cosine_restarts and cyclical_cosine end above zero; choose one of them, or remove this key'),
  },
  {
    section: 'training',
    key: 'warmup_steps',
    reason: (w, value) =>
      OF_CYCLES.includes(schedule(w)) && isAtLeast(value, w.get('relora', 'every'))
        ? l10n.t('a cycle ends after {0} steps, before the learning rate is reached', String(w.get('relora', 'every')))
        : undefined,
  },
  {
    section: 'relora',
    key: 'every',
    reason: (w, value) => {
      const steps = w.get('training', 'max_steps');
      return steps !== 0 && isAtLeast(value, steps)
        ? l10n.t('the run ends after {0} steps, before the first restart', String(steps))
        : undefined;
    },
  },
  { section: 'relora', key: 'optimizer_reset', reason: (w) => (hasRestarts(w) ? undefined : NO_RESTARTS()) },
  {
    section: 'relora',
    key: 'magnitude_pruning',
    reason: (w) => {
      if (!hasRestarts(w)) return NO_RESTARTS();
      return w.get('relora', 'optimizer_reset') === 'magnitude'
        ? undefined
        : l10n.t('nothing is pruned; write optimizer_reset: magnitude, or remove this key');
    },
  },
  {
    section: 'relora',
    key: 'restart_warmup_steps',
    reason: (w, value) => {
      if (!hasRestarts(w)) return NO_RESTARTS();
      if (schedule(w) !== 'cosine_restarts') {
        return l10n.t(
          'only the schedule cosine_restarts warms up again; write training.lr_scheduler_type: cosine_restarts, or remove this key',
        );
      }
      const every = w.get('relora', 'every');
      return isAtLeast(value, every)
        ? l10n.t('a cycle ends after {0} steps, before the learning rate is reached', String(every))
        : undefined;
    },
  },
  {
    section: 'relora',
    key: 'mora_types',
    reason: (w) => {
      if (!hasRestarts(w)) return NO_RESTARTS();
      return w.get('adapter', 'method') === 'mora'
        ? undefined
        : l10n.t('only the method mora has operators that can take turns; remove this key');
    },
  },
  { section: 'training', key: 'eval_steps', reason: (w) => (hasEvalData(w) || hasPrompts(w) ? undefined : NO_EVAL) },
  {
    section: 'samples',
    key: 'max_new_tokens',
    reason: (w) =>
      hasPrompts(w) ? undefined : l10n.t('there are no prompts to continue; write samples.prompts, or remove this key'),
  },
  {
    section: 'training',
    key: 'early_stopping_patience',
    reason: (w, value) => (value === 0 || hasEvalData(w) ? undefined : NO_EVAL),
  },
  {
    section: 'data',
    key: 'loss_on',
    reason: (w, value) =>
      value === 'completion' && w.get('data', 'format') === 'text'
        ? l10n.t('samples of plain text have no completion and are learnt whole; write all, or remove this key')
        : undefined,
  },
  {
    section: 'data',
    key: 'loss_on',
    reason: (w) =>
      LABELLED.has(w.get('data', 'format'))
        ? l10n.t('samples with labels learn the label alone; remove this key')
        : undefined,
  },
  {
    section: 'training',
    key: 'warmup_steps',
    severity: 'warning',
    reason: (w, value) => {
      const steps = w.get('training', 'max_steps');
      return typeof steps === 'number' && steps > 0 && typeof value === 'number' && value >= steps
        ? l10n.t('the run ends after {0} steps, before the learning rate is reached', steps)
        : undefined;
    },
  },
];

/** Sections that do nothing without one of their keys, with a value to begin with. */
const NEEDED: readonly {
  readonly section: string;
  readonly key: string;
  readonly first: unknown;
  readonly why: () => string;
}[] = [
  {
    section: 'relora',
    key: 'every',
    first: 200,
    why: () => l10n.t('there are no restarts; write relora.every, the steps of a cycle, or remove this section'),
  },
  {
    section: 'samples',
    key: 'prompts',
    first: ['Hello'],
    why: () => l10n.t('there are no prompts to continue; write samples.prompts, or remove this section'),
  },
];

/**
 * Sections that are there with nothing in them and can then take no effect. All others (`training:`) say with nothing in them
 * that everything is as it is by itself.
 */
export function idleSections(values: Values): Finding[] {
  return NEEDED.flatMap(({ section, key, first, why }): Finding[] => {
    const own = values[section];
    const isEmpty = own === null || (isObject(own) && Object.keys(own).length === 0);
    if (!isEmpty) return [];
    const insert = setFix([section, key], first, l10n.t('Insert {0}', `${key}: ${JSON.stringify(first)}`));
    const found = l10n.t('this section is empty and has no effect');
    return [{ path: [section], isKey: true, found, expected: why(), fixes: [insert, removeFix([section])] }];
  });
}

/** Keys of which one replaces the other when it is given on the command line. */
export const ALTERNATIVES: readonly (readonly [section: string, a: string, b: string])[] = [
  ['training', 'num_train_epochs', 'max_steps'],
  ['data', 'eval', 'eval_fraction'],
];

/** Every written key that cannot take effect in this combination, with the reason. */
export function ineffectiveKeys(written: Written): Finding[] {
  return RULES.flatMap(({ section, key, reason, severity }): Finding[] => {
    const value = written.get(section, key);
    const why = value === undefined ? undefined : reason(written, value);
    if (why === undefined) return [];
    const path = [section, key];
    if (severity === 'warning') return [{ path, found: l10n.t('found {0}', String(value)), expected: why, severity }];
    const found = l10n.t('this key has no effect here');
    // A key about evaluation can also be kept, with something to evaluate on.
    const needsEval =
      why === NO_EVAL ? [setFix(['data', 'eval_fraction'], 0.1, l10n.t('Insert {0}', 'eval_fraction: 0.1'))] : [];
    return [{ path, isKey: true, found, expected: why, fixes: [removeFix(path), ...needsEval] }];
  });
}
