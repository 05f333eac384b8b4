import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textForm } from '../../../webview/configForm/textForms';
import type { Widget } from '../../../webview/configForm/widgetOf';
import { isSame } from '../../../webview/configForm/values';

const number: Widget = { kind: 'number', isInteger: false, limits: '' };
const integer: Widget = { kind: 'number', isInteger: true, limits: '' };
const names: Widget = { kind: 'list', item: { kind: 'text' } };
const ranks: Widget = { kind: 'map', item: integer };

describe('values as text', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const form = textForm(number);
        expect(form.parse(form.format(value))).toEqual({ value: value === 0 ? 0 : value });
      }),
    );
    const name = fc.stringMatching(/^[a-z_.]{1,12}$/);
    fc.assert(
      fc.property(fc.dictionary(name, fc.integer({ min: 1, max: 512 }), { minKeys: 1 }), (value) => {
        const parsed = textForm(ranks).parse(textForm(ranks).format(value));
        expect('value' in parsed && isSame(parsed.value, value)).toBe(true);
      }),
    );
  });

  it.each([
    [number, '2e-4', 2e-4],
    [number, ' 2.0E-4 ', 2e-4],
    [integer, '16', 16],
    [names, 'q_proj, v_proj', ['q_proj', 'v_proj']],
    [names, '\n', undefined],
    [ranks, 'a:b: 4', { 'a:b': 4 }],
    [{ kind: 'text' }, '  ', undefined],
  ] as [Widget, string, unknown][])('are read from what a person types', (widget, text, value) => {
    expect(textForm(widget).parse(text)).toEqual({ value });
  });

  it.each([
    [number, '0x10'],
    [number, 'Infinity'],
    [integer, '1.5'],
    [ranks, 'down_proj'],
    [ranks, 'down_proj: many'],
  ] as [Widget, string][])('are refused in words when they cannot be read', (widget, text) => {
    expect(textForm(widget).parse(text)).toHaveProperty('refusal');
  });

  it('show a value of the wrong type as it is written', () => {
    expect(textForm(integer).format('many')).toBe('many');
    expect(textForm(names).format({ a: 1 })).toBe('{"a":1}');
  });
});
