/** @file How figures of activity are put into words wherever they are shown. */
import type { ActivityFigure } from './types';

/** A rule with its values in the places `{0}`, `{1}` …. */
export function fillRule(rule: string, values: ActivityFigure['rule_values']): string {
  return rule.replace(/\{(\d+)\}/g, (place, index: string) => String(values[Number(index)] ?? place));
}
