/** @file The check behind a device report: a small product with a gradient, run on the device and on paper. */
import { encodeOnnx } from '../graph/onnx/encode';
import { f32, Graph } from '../graph/graph';
import { grad } from '../graph/grad';
import { linear, mul, sumAll } from '../graph/ops';
import { programOf } from '../graph/program';
import { KernelError } from '../protocol/errors';
import { ortRuntime } from './ort';
import { evaluateProgram } from './reference';
import type { Device } from './types';

/** Throws when the device cannot run the graph or computes something else. */
export async function checkDevice(device: Device): Promise<string> {
  const graph = new Graph();
  const x = graph.input('x', f32(4, 8));
  const w = graph.input('w', f32(8, 8));
  const y = linear(x, w);
  const loss = sumAll(mul(y, y));
  const [gradient] = grad(loss, [w]);
  if (!gradient) throw new KernelError('internal', 'no gradient');
  const program = programOf({ gradient });
  const values = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1));
  const feeds = { x: values(32), w: values(64) };
  const expected = evaluateProgram(program, feeds).get('gradient')?.data ?? new Float64Array();
  const started = performance.now();
  const session = await ortRuntime.compile(
    encodeOnnx(program, { target: device === 'cpu' ? 'cpu' : 'gpu', weightsFolder: '/' }),
    {
      device,
      threads: 1,
      weightsFolder: '/',
    },
  );
  const { gradient: actual } = await session.run({
    x: { dtype: 'f32', shape: [4, 8], data: feeds.x },
    w: { dtype: 'f32', shape: [8, 8], data: feeds.w },
  });
  const worst = expected.reduce((m, v, i) => Math.max(m, Math.abs(v - (actual?.[i] ?? NaN))), 0);
  if (!(worst < 1e-3)) throw new KernelError('runtime/failed', `${device} computes a wrong gradient (off by ${worst})`);
  return `a test gradient was right (${Math.round(performance.now() - started)} ms)`;
}
