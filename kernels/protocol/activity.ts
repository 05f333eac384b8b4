/** @file How figures of activity are put into words wherever they are shown. */
import type { ActivityFigure, ActivityRecord } from './types';

type Shown = Pick<ActivityFigure, 'value' | 'unit' | 'rule_values'>;

/** The numbers of a figure as text; `value` is null where there is none. */
export interface FigureTexts {
  readonly value: string | null;
  readonly rule: readonly string[];
}

/** Significant digits that a number is shown with, and the most where fewer would make unequal ones look equal. */
const [FEWEST, MOST] = [4, 7];
/** What float32 cannot tell apart, as a share of the number. */
const SAME = 1e-6;

/**
 * Four significant digits of each number, and more where a value and a number of its rule are not equal and would look so.
 * Shares are percentages.
 */
export function figureTexts({ value, unit, rule_values: values }: Shown): FigureTexts {
  const own = value !== null && unit === 'share' ? 100 * value : value;
  const others = values.filter((v) => typeof v === 'number').filter((v) => own !== null && !isSame(own, v));
  let digits = FEWEST;
  while (own !== null && digits < MOST && others.some((v) => numberText(v, digits) === numberText(own, digits)))
    digits++;
  const text = (v: number): string => numberText(v, digits);
  return {
    value: own === null ? null : `${text(own)}${unit === 'share' ? ' %' : ''}`,
    rule: values.map((v) => (typeof v === 'number' ? text(v) : v)),
  };
}

/** A rule with the numbers of its figure in the places `{0}`, `{1}` …. */
export function ruleInWords(figure: Shown & Pick<ActivityFigure, 'rule'>): string {
  return placed(figure.rule, figureTexts(figure).rule);
}

/** Why figures of a record could not be judged, in English; undefined where nothing is to be said. */
export function noteInWords({ note, note_values: values = [] }: ActivityRecord): string | undefined {
  return note === undefined ? undefined : placed(note, values);
}

const placed = (text: string, values: readonly (string | number)[]): string =>
  text.replace(/\{(\d+)\}/g, (place, index: string) => String(values[Number(index)] ?? place));

const isSame = (a: number, b: number): boolean => Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b));

/** Plain from 1e-4 up to 1e7 and for whole numbers that a person counts, with an exponent beyond. */
function numberText(value: number, digits: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return String(value);
  const rounded = Number(value.toPrecision(digits));
  return size < 1e-4 || size >= 1e7 ? rounded.toExponential().replace('e+', 'e') : String(rounded);
}
