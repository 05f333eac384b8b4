/**
 * @file What shows that restarts (ReLoRA, ReMoRA) are active: they happen when they should, the optimiser's state really goes, the rank
 * of what is merged grows, and the learning rate is warmed up again. From the records that each restart measured of itself.
 */
import type { Figure, Measurement } from '../../adapters/activity';
import type { RestartRecord } from '../../protocol/types';
import { restartSettings } from '../restartSettings';
import type { RunActivity } from './generalFigures';

/** Schedules that begin anew at a restart. */
const RESTARTING: ReadonlySet<string> = new Set(['cosine_restarts', 'cyclical_cosine']);

const hasRestarts = ({ settings }: RunActivity): boolean => settings.relora.every !== undefined;

export const restartFigures: readonly Figure<RunActivity>[] = [
  {
    id: 'restart-count',
    label: 'Restarts so far',
    unit: 'count',
    rule: '{0}, one after every {1} steps',
    applies: hasRestarts,
    measure: ({ settings, step, totalSteps, restarts }) => {
      const every = settings.relora.every ?? Infinity;
      // The restart after this very step comes when its figures are recorded, and none comes after the last step.
      const due = Math.floor(Math.min(step - 1, totalSteps - 1) / every);
      const value = restarts.filter((restart) => restart.step < step).length;
      return { value, isMet: value === Math.max(0, due), ruleValues: [Math.max(0, due), every] };
    },
  },
  {
    id: 'restart-reset',
    label: 'Smallest share of the optimiser’s state that a restart set to zero',
    unit: 'share',
    rule: '{0} to {1} %, with optimizer_reset {2}',
    applies: hasRestarts,
    measure: ({ settings, restarts }) => {
      const shares = restarts.flatMap((restart) =>
        Object.entries(restart.reset_share).map(([group, value]) => ({ restart, group, value })),
      );
      const worst = shares.toSorted((a, b) => Math.abs(b.value - expectedOf(b)) - Math.abs(a.value - expectedOf(a)))[0];
      const mode = settings.relora.optimizer_reset;
      if (!worst) return { value: null, isMet: null, ruleValues: ['…', '…', mode] };
      const { value, group, restart } = worst;
      const [least, most] = resetBounds(restart);
      const isMet = least <= value && value <= most;
      return {
        value,
        where: `${group}, step ${restart.step}`,
        isMet,
        ruleValues: [100 * least, 100 * most, mode],
      };
    },
  },
  {
    id: 'restart-rank',
    label: 'Rank of the merged update after the last restart, mean of the layers',
    unit: 'number',
    rule: 'above {0}, that of before (MoRA: 99 % of it), or at its limit, 99 % of {1}',
    applies: (run) => hasRestarts(run) && run.restarts.every(({ rank }) => rank !== undefined),
    measure: ({ restarts, layers }) => {
      const isShared = layers.some(({ config }) => 'mora_type' in config);
      const rank = restarts.at(-1)?.rank;
      const sides = layers.map(({ site }) => Math.min(site.inFeatures, site.outFeatures));
      const most = sides.reduce((sum, side) => sum + side, 0) / Math.max(1, sides.length);
      if (!rank) return { value: null, isMet: null, ruleValues: ['…', most] };
      // Cycles of MoRA may share a side of the square matrix: then their sum cannot have a higher rank than one of them.
      const isMet =
        rank.after > rank.before || rank.before >= FULL * most || (isShared && rank.after >= FULL * rank.before);
      return { value: rank.after, isMet, ruleValues: [rank.before, most] };
    },
  },
  {
    id: 'restart-rate',
    label: 'Learning rate right after the last restart',
    unit: 'number',
    rule: 'below {0}, that of before, and warmed up again to {1}',
    applies: (run) => hasRestarts(run) && RESTARTING.has(run.settings.training.lr_scheduler_type),
    measure: ({ restarts, settings }): Measurement => {
      const rates = restarts.at(-1)?.learning_rate;
      if (!rates) return { value: null, isMet: null, ruleValues: ['…', '…'] };
      const [before, at, after] = [largest(rates.before), largest(rates.at), largest(rates.after)];
      // Without a warm-up there is nothing to rise from.
      const isMet = after > 0 && (warmupAfterRestart(settings) === 0 || (at < before && at < after));
      return { value: at, isMet, ruleValues: [before, after] };
    },
  },
];

/** Steps over which the learning rate rises again. */
function warmupAfterRestart(settings: RunActivity['settings']): number {
  const { lr_scheduler_type: type, warmup_steps: warmup } = settings.training;
  return type === 'cosine_restarts' ? (restartSettings(settings)?.restartWarmupSteps ?? 0) : warmup;
}

/** From here on a mean rank is the largest there is, but for single values below the tolerance. */
const FULL = 0.99;

const expectedOf = ({ restart }: { readonly restart: RestartRecord }): number => restart.expected_share;

const ALMOST_ALL = 0.9999;

/**
 * The least and the largest share that may have gone. `reset` and `zero` leave nothing, `keep` takes nothing. What has the smallest
 * magnitudes is counted with the entries that were zero before, of which nothing can be seen: half of the expected share must go, and not all.
 */
function resetBounds({ optimizer_reset: mode, expected_share: expected }: RestartRecord): readonly [number, number] {
  return mode === 'magnitude' ? [expected / 2, Math.max(expected, ALMOST_ALL)] : [expected, expected];
}

const largest = (rates: Readonly<Record<string, number>>): number => Math.max(...Object.values(rates));
