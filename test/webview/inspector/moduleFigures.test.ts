/** @file The plots of an adapter: places on the map, bars of a histogram, colours of a matrix. */
import { describe, expect, it } from 'vitest';
import type { AdapterModuleEntry, TensorFacts } from '../../../kernels/protocol/calls/inspect';
import { measuresOf } from '../../../webview/inspector/measures';
import { colorScale, scaleEnd } from '../../../webview/inspector/matrixDrawing';
import { histogramFigure, moduleMap } from '../../../webview/inspector/moduleFigures';
import { readTheme } from '../../../webview/shared/theme';

const theme = readTheme(document);
const module = (name: string, layer: number | null): AdapterModuleEntry => ({
  module: name,
  layer,
  shape: null,
  parameters: 8,
  tensors: { lora_A: { name: `${name}.lora_A.weight`, dtype: 'F32', shape: [2, 4], bytes: 32, role: 'trained' } },
});
const measured = (name: string, norm: number | null) =>
  [name, { module: name, norms: { lora_A: norm }, delta: null }] as const;

describe('the map of modules', () => {
  const modules = [
    module('model.layers.0.self_attn.q_proj', 0),
    module('model.layers.1.self_attn.q_proj', 1),
    module('model.layers.1.mlp.experts.3.up', 1),
    module('model.layers.1.mlp.experts.4.up', 1),
    module('lm_head', null),
  ];
  const norms = new Map([measured(modules[0]!.module, 2), measured(modules[1]!.module, null), measured('lm_head', 5)]);
  const [measure] = measuresOf(modules, norms);

  it('offers what was measured: without delta weights the norms of the tensors', () => {
    expect(measuresOf(modules, norms).map(({ key }) => key)).toEqual(['norm:lora_A']);
  });

  it('has a row for each projection, a column for each layer, and holes', () => {
    const { figure, modules: cells } = moduleMap(modules, norms, measure!);
    expect(figure.rows).toEqual(['q_proj', 'mlp.experts.3.up', 'mlp.experts.4.up', 'lm_head']);
    expect(figure.columns).toEqual(['0', '1', 'none']);
    expect(figure.values[0]).toEqual([2, null, null]);
    expect(figure.values[3]).toEqual([null, null, 5]);
    expect(figure.scale).toEqual([0, 5]);
    expect(cells[1]).toEqual([null, modules[2]!.module, null]);
  });
});

describe('a histogram', () => {
  const facts = (low: number, high: number, counts: readonly number[]): TensorFacts => ({
    ...{ count: 4, min: low, max: high, mean: 0, std: 1, norm: 1, zeros: 0, nan: 0, infinite: 0 },
    histogram: { low, high, counts },
  });

  it('has a bar in the middle of each bin', () => {
    const [curve] = histogramFigure(facts(-1, 3, [1, 2, 0, 1]), false, theme).curves;
    expect(curve).toMatchObject({ x: [-0.5, 0.5, 1.5, 2.5], y: [1, 2, 0, 1], style: { isStepped: true } });
  });

  it('of one value is one bar', () => {
    expect(histogramFigure(facts(2, 2, [4, 0, 0]), false, theme).curves[0]).toMatchObject({ x: [2], y: [4] });
  });
});

describe('colours of a matrix', () => {
  it('tell the sign apart, are alike at zero, and mark what is not finite', () => {
    const colorOf = colorScale(theme, 2);
    expect(colorOf(0)).toEqual(colorOf(-0));
    expect(colorOf(2)).not.toEqual(colorOf(-2));
    expect(colorOf(7)).toEqual(colorOf(2));
    expect(colorOf(NaN)).toEqual(colorOf(Infinity));
    expect(colorOf(NaN)).not.toEqual(colorOf(0));
    expect(colorScale(theme, 0)(0)).toEqual(colorOf(0));
  });

  it('take their scale from the finite values', () => {
    expect(scaleEnd(Float64Array.of(1, -3, NaN, Infinity))).toBe(3);
    expect(scaleEnd(Float64Array.of(NaN))).toBe(0);
  });
});
