/** @file Golden cases of single DoRA layers, with the norm's gradient and without, in float64 by the reference runtime. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { dora } from '../../../kernels/adapters/methods/dora';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { grad } from '../../../kernels/graph/grad';
import type { Value } from '../../../kernels/graph/graph';
import { f32, Graph } from '../../../kernels/graph/graph';
import { gemm, mul, sumAll } from '../../../kernels/graph/ops';
import { programOf } from '../../../kernels/graph/program';
import { evaluateProgram } from '../../../kernels/runtime/reference';
import { withDefaults } from '../../../kernels/util/fields';
import type { Tolerance } from './compare';
import { compareValues, worstOfEach } from './compare';
import type { GoldenResult } from './tokenizer';

interface Entry {
  readonly index: number;
  readonly in_features: number;
  readonly out_features: number;
  readonly r: number;
  readonly lora_alpha: number;
  readonly bias: boolean;
  readonly norm_detached: boolean;
  readonly tolerance: Readonly<Record<string, Tolerance>>;
}

/** Runs one folder whose case.json is of kind "dora-layers": one result for each quantity, the worst of all layers. */
export function runDoraLayers(folder: string): GoldenResult[] {
  const text = readFileSync(path.join(folder, 'expected.json'), 'utf8');
  const { entries } = JSON.parse(text) as { entries: readonly Entry[] };
  const file = openSafetensors(path.join(folder, 'expected.safetensors'));
  try {
    const read = (entry: Entry, name: string): Float32Array =>
      file.readF32(`${String(entry.index).padStart(3, '0')}.${name}`);
    return worstOfEach(entries.flatMap((entry) => compareLayer(entry, (name) => read(entry, name))));
  } finally {
    file.close();
  }
}

function compareLayer(entry: Entry, read: (name: string) => Float32Array): GoldenResult[] {
  const { in_features: input, out_features: output, r, lora_alpha, tolerance } = entry;
  const norm_gradient = entry.norm_detached ? 'detached' : 'full';
  const config = withDefaults(dora.config, { r, lora_alpha, norm_gradient });
  const given = ['W', 'A', 'B', 'm', 'x', 'grad_y', ...(entry.bias ? ['bias'] : [])];
  const feeds = Object.fromEntries(given.map((name) => [name, read(name)]));
  const tokens = (feeds.x?.length ?? 0) / input;
  const graph = new Graph();
  const make = (name: string, ...shape: number[]): Value => graph.input(name, f32(...shape));
  const [x, w, gradY] = [make('x', tokens, input), make('W', output, input), make('grad_y', tokens, output)];
  const [a, b, m] = [make('A', r, input), make('B', output, r), make('m', output)];
  const bias = entry.bias ? make('bias', output) : null;
  const params = { lora_A: a, lora_B: b, lora_magnitude_vector: m };
  const site = { path: 'layer', projection: 'layer', layer: 0, inFeatures: input, outFeatures: output } as const;
  const y = dora.forward(
    {
      site: { ...site, weight: 'layer.weight', bias: null, layout: 'out-in' },
      x,
      params,
      shared: {},
      baseWeight: () => w,
      baseBias: () => bias,
      baseOutput: () => gemm(x, w, { transB: true, ...(bias && { c: bias }) }),
      previous: () => null,
      dropout: (v) => v,
    },
    config,
  );
  const [gradA, gradB, gradM, gradX] = grad(sumAll(mul(y, gradY)), [a, b, m, x]) as [Value, Value, Value, Value];
  const merged = dora.mergedWeight?.(w, params, config, {}, () => null) as Value;
  const program = programOf({ y, grad_A: gradA, grad_B: gradB, grad_m: gradM, grad_x: gradX, merged });
  const outputs = evaluateProgram(program, feeds);
  return ['y', 'grad_A', 'grad_B', 'grad_m', 'grad_x', 'merged'].map((name) =>
    compareValues(name, outputs.get(name)?.data ?? [], read(name), tolerance[name] ?? { atol: 0 }),
  );
}
