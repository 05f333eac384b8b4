/** @file From what was measured to a record of the run folder: each figure with its value and verdict. */
import type { Figure, Measurement } from '../../adapters/activity';
import type { ActivityFigure, ActivityRecord, ActivityVerdict } from '../../protocol/types';

/** The record of a step. */
export function activityRecord<X extends { readonly step: number }>(
  figures: readonly Figure<X>[],
  context: X,
): ActivityRecord {
  const measured = figures.filter((figure) => figure.applies?.(context) ?? true).map((f) => recorded(f, context));
  return { step: context.step, verdict: worst(measured), figures: measured };
}

function recorded<X>(figure: Figure<X>, context: X): ActivityFigure {
  const { id, label, unit, rule } = figure;
  const found: Measurement = figure.measure(context);
  // JSON has no NaN; that a figure is no number is what the verdict says.
  const value = found.value !== null && Number.isFinite(found.value) ? found.value : null;
  return {
    id,
    label,
    unit,
    value,
    verdict: found.isMet === null ? 'pending' : found.isMet ? 'green' : 'red',
    rule,
    rule_values: found.ruleValues ?? [],
    ...(found.where !== undefined && { where: found.where }),
  };
}

/** Red if one is; green once all are. */
function worst(figures: readonly ActivityFigure[]): ActivityVerdict {
  const verdicts = new Set(figures.map(({ verdict }) => verdict));
  return verdicts.has('red') ? 'red' : verdicts.has('pending') ? 'pending' : 'green';
}
