/** @file Numbers of figures in words: short, and never equal where they are not. */
import { expect, test } from 'vitest';
import { figureTexts, ruleInWords } from '../../../kernels/protocol/activity';

const number = (value: number, ...rule_values: (number | string)[]) =>
  figureTexts({ value, unit: 'number', rule_values });

test('four digits are shown, and no float32 noise behind them', () => {
  expect(number(0.30000001192092896, 0.3, '…')).toEqual({ value: '0.3', rule: ['0.3', '…'] });
  expect(number(1.23456e-7, 2e9)).toEqual({ value: '1.235e-7', rule: ['2e9'] });
  expect(number(123456, 24).value).toBe('123456');
});

test('numbers that are not equal do not look equal', () => {
  expect(number(219.4375, 219.375, 576)).toEqual({ value: '219.44', rule: ['219.38', '576'] });
  expect(number(219.4375, 219.4375).rule).toEqual(['219.4']);
});

test('shares are percentages, as in their rules', () => {
  expect(figureTexts({ value: 0.9995, unit: 'share', rule_values: [99.99, 100, 'reset'] })).toEqual({
    value: '99.95 %',
    rule: ['99.99', '100', 'reset'],
  });
});

test('a rule has its numbers in their places; a figure without a value has none', () => {
  const figure = {
    value: null,
    unit: 'count',
    rule_values: [0.10000000149, '…'],
    rule: 'above {0} and {1}, not {2}',
  } as const;
  expect(ruleInWords(figure)).toBe('above 0.1 and …, not {2}');
  expect(figureTexts(figure).value).toBeNull();
});
