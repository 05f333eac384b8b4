/** @file Golden cases of MoRA's operators: single layers of many shapes, in float64 by the reference runtime. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { squareCores } from '../../../kernels/adapters/squareCores';
import type { MoraType } from '../../../kernels/adapters/squareOperators';
import { MORA_TYPES, squareDelta, squareForward } from '../../../kernels/adapters/squareOperators';
import { coreSingularValues } from '../../../kernels/analysis/spectrum';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { grad } from '../../../kernels/graph/grad';
import type { Value } from '../../../kernels/graph/graph';
import { f32, Graph } from '../../../kernels/graph/graph';
import { mul, sumAll } from '../../../kernels/graph/ops';
import { programOf } from '../../../kernels/graph/program';
import { evaluateProgram } from '../../../kernels/runtime/reference';
import type { Tolerance } from './compare';
import { compareValues, worstOfEach } from './compare';
import type { GoldenResult } from './tokenizer';

interface Entry {
  readonly index: number;
  readonly in_features: number;
  readonly out_features: number;
  readonly mora_type: number;
  readonly r_hat: number;
  readonly singular_values_f64: readonly number[];
  readonly tolerance: Readonly<Record<string, Tolerance>>;
}

/** Values are float32 in the file; so many of them beyond the tolerance of the delta weight they belong to. */
const SPECTRUM = 'delta_probe';

/** Runs one folder whose case.json is of kind "mora-layers": one result for each quantity, the worst of all layers. */
export function runSquareLayers(folder: string): GoldenResult[] {
  const { entries } = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as {
    entries: readonly Entry[];
  };
  const file = openSafetensors(path.join(folder, 'expected.safetensors'));
  try {
    const results = entries.flatMap((entry) =>
      compareLayer(entry, (name) => {
        const key = `${String(entry.index).padStart(3, '0')}.${name}`;
        return { shape: file.tensor(key).shape, data: file.readF32(key) };
      }),
    );
    return worstOfEach(results);
  } finally {
    file.close();
  }
}

interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

function compareLayer(entry: Entry, read: (name: string) => Tensor): GoldenResult[] {
  const { in_features: input, out_features: output, r_hat: size, tolerance } = entry;
  const type = MORA_TYPES.find((t) => t === entry.mora_type);
  if (type === undefined) throw new Error(`entry ${entry.index} is of type ${entry.mora_type}`);
  const [m, x, gradY] = [read('M'), read('x'), read('grad_y')];
  const graph = new Graph();
  const tokens = x.data.length / input;
  const values = {
    x: graph.input('x', f32(tokens, input)),
    m: graph.input('m', f32(size, size)),
    grad_y: graph.input('grad_y', f32(tokens, output)),
  };
  const y = squareForward(values.x, values.m, output, type);
  const [gradM, gradX] = grad(sumAll(mul(y, values.grad_y)), [values.m, values.x]) as [Value, Value];
  const delta_probe = squareDelta(values.m, input, output, type);
  const program = programOf({ y, grad_M: gradM, grad_x: gradX, delta_probe });
  const outputs = evaluateProgram(program, { x: x.data, m: m.data, grad_y: gradY.data });
  const exact = { atol: 0 };
  const compared = ['y', 'grad_M', 'grad_x', 'delta_probe'].map((name) =>
    compareValues(name, outputs.get(name)?.data ?? [], read(name).data, tolerance[name] ?? exact),
  );
  return [...compared, compareSpectrum(entry, m.data, type)];
}

/** The closed form has fewer values than the delta weight: the others are 0. */
function compareSpectrum(
  { in_features, out_features, r_hat, singular_values_f64: wanted, tolerance }: Entry,
  m: Float32Array,
  type: MoraType,
): GoldenResult {
  const cores = squareCores(m, r_hat, in_features, out_features, type);
  const values = cores ? [...coreSingularValues(cores)] : [];
  const padded = [...values, ...wanted.slice(values.length).map(() => 0)].slice(0, wanted.length);
  const beyond = values.slice(wanted.length).reduce((most, v) => Math.max(most, v), 0);
  const { atol } = tolerance[SPECTRUM] ?? { atol: 0 };
  return compareValues('singular_values', [...padded, beyond], [...wanted, 0], { atol });
}
