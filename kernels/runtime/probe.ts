/** @file The check behind a device report: a small product with a gradient, run on the device and on paper. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { encodeFloats } from '../formats/dtype';
import type { Value } from '../graph/graph';
import { f32, Graph } from '../graph/graph';
import { grad } from '../graph/grad';
import { encodeOnnx } from '../graph/onnx/encode';
import { linear, mul, sumAll } from '../graph/ops';
import type { Program } from '../graph/program';
import { programOf } from '../graph/program';
import { KernelError } from '../protocol/errors';
import { ortRuntime } from './ort';
import { evaluateProgram } from './reference';
import type { Device, WeightDtype } from './types';

const SIZE = 8;
/** Multiples of 1/8 are the same in 16 and 32 bits. */
const WEIGHTS = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (((i * 37) % 17) - 8) / 8);
const INPUT = Float32Array.from({ length: 4 * SIZE }, (_, i) => Math.sin(i + 1));

/** Throws when the device cannot run a gradient through a weight of this dtype, or computes something else. */
export async function checkDevice(device: Device, dtype: WeightDtype): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'adapter-studio-probe-'));
  try {
    const file = path.join(folder, 'weight');
    const bytes = new Uint8Array(WEIGHTS.length * (dtype === 'f32' ? 4 : 2));
    encodeFloats(dtype === 'f32' ? 'F32' : dtype === 'f16' ? 'F16' : 'BF16', WEIGHTS, bytes);
    writeFileSync(file, bytes);
    const program = gradientProgram((g) =>
      g.weight('w', { dtype, shape: [SIZE, SIZE] }, { file, offset: 0, byteLength: bytes.length }),
    );
    const expected = evaluateProgram(
      gradientProgram((g) => g.constant(WEIGHTS, [SIZE, SIZE])),
      { x: INPUT },
    );
    const started = performance.now();
    const target = device === 'cpu' ? 'cpu' : 'gpu';
    const options = { device, threads: 1, weightsFolder: folder };
    const session = await ortRuntime.compile(encodeOnnx(program, { target, weightsFolder: folder }), options);
    const { gradient } = await session.run({ x: { dtype: 'f32', shape: [4, SIZE], data: INPUT } });
    await session.dispose();
    const worst = expected
      .get('gradient')
      ?.data.reduce((most, v, i) => Math.max(most, Math.abs(v - (gradient?.[i] ?? NaN))), 0);
    if (worst === undefined || !(worst < 1e-3)) {
      throw new KernelError(
        'runtime/failed',
        l10n.t('{0} computes a wrong gradient (off by {1})', device, String(worst)),
      );
    }
    return l10n.t('a test gradient was right ({0} ms)', Math.round(performance.now() - started));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function gradientProgram(weight: (graph: Graph) => Value): Program {
  const graph = new Graph();
  const x = graph.input('x', f32(4, SIZE));
  const y = linear(x, weight(graph));
  const [gradient] = grad(sumAll(mul(y, y)), [x]);
  if (!gradient) throw new KernelError('internal', 'the probe has no gradient');
  return programOf({ gradient });
}
