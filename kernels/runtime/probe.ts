/** @file The check behind a device report: a small product with a gradient, run on the device and on paper. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { bytesOf, encodeFloats } from '../formats/dtype';
import type { QuantizedStorage, Value, WeightLocation } from '../graph/graph';
import { f32, Graph } from '../graph/graph';
import { grad } from '../graph/grad';
import { encodeOnnx } from '../graph/onnx/encode';
import { linear, mul, sumAll } from '../graph/ops';
import type { Program } from '../graph/program';
import { programOf } from '../graph/program';
import { KernelError } from '../protocol/errors';
import { LEVELS } from '../util/fourBitLevels';
import { ortRuntime } from './ort';
import { evaluateProgram } from './reference';
import type { Device, WeightDtype } from './types';

const SIZE = 8;
/** From -8 to 7; their eighths are the same in 16 and 32 bits. */
const EIGHTHS = Int8Array.from({ length: SIZE * SIZE }, (_, i) => ((i * 37) % 16) - 8);
const INPUT = Float32Array.from({ length: 4 * SIZE }, (_, i) => Math.sin(i + 1));

/** Throws when the device cannot run a gradient through a weight of this dtype, or computes something else. */
export async function checkDevice(device: Device, dtype: WeightDtype): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'adapter-studio-probe-'));
  try {
    const file = path.join(folder, 'weight');
    const { bytes, values, ...stored } = storedWeight(dtype, file);
    writeFileSync(file, bytes);
    const program = gradientProgram((g) =>
      g.weight('w', { dtype: stored.dtype, shape: [SIZE, SIZE] }, stored.location, stored.quantized),
    );
    const expected = evaluateProgram(
      gradientProgram((g) => g.constant(values, [SIZE, SIZE])),
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

interface StoredWeight {
  readonly bytes: Uint8Array;
  /** What it stands for. */
  readonly values: Float32Array;
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly location: WeightLocation;
  readonly quantized?: QuantizedStorage;
}

/** A weight as it is stored in `dtype`: in one file, the parts of a quantised one behind each other. */
function storedWeight(dtype: WeightDtype, file: string): StoredWeight {
  if (dtype === 'f32' || dtype === 'f16' || dtype === 'bf16') {
    const bytes = new Uint8Array(EIGHTHS.length * (dtype === 'f32' ? 4 : 2));
    const values = Float32Array.from(EIGHTHS, (n) => n / 8);
    encodeFloats(dtype === 'f32' ? 'F32' : dtype === 'f16' ? 'F16' : 'BF16', values, bytes);
    return { bytes, values, dtype, location: { file, offset: 0, byteLength: bytes.length } };
  }
  const parts: Uint8Array[] = [];
  const add = (part: Uint8Array): WeightLocation => {
    const offset = parts.reduce((n, { length }) => n + length, 0);
    parts.push(part);
    return { file, offset, byteLength: part.length };
  };
  const location = add(dtype === 'int8' ? new Uint8Array(EIGHTHS.buffer) : packed(EIGHTHS));
  const storage: QuantizedStorage['storage'] =
    dtype === 'int8'
      ? { bits: 8, rowMax: add(bytesOf(new Float32Array(SIZE).fill(127 / 8))) }
      : {
          bits: 4,
          form: dtype,
          levels: add(bytesOf(LEVELS[dtype])),
          blockSize: EIGHTHS.length,
          absmax: add(bytesOf(Float32Array.of(1))),
        };
  const values = Float32Array.from(EIGHTHS, (n) => (dtype === 'int8' ? n / 8 : (LEVELS[dtype][n + 8] ?? NaN)));
  const quantized = { shape: [SIZE, SIZE], isTransposed: false, storage } as const;
  return { bytes: Buffer.concat(parts), values, dtype: 'f32', location, quantized };
}

/** Numbers from -8 to 7 as codes from 0 to 15, two in a byte. */
const packed = (numbers: Int8Array): Uint8Array =>
  Uint8Array.from({ length: numbers.length / 2 }, (_, i) => {
    return (((numbers[2 * i] ?? 0) + 8) << 4) | ((numbers[2 * i + 1] ?? 0) + 8);
  });

function gradientProgram(weight: (graph: Graph) => Value): Program {
  const graph = new Graph();
  const x = graph.input('x', f32(4, SIZE));
  const y = linear(x, weight(graph));
  const [gradient] = grad(sumAll(mul(y, y)), [x]);
  if (!gradient) throw new KernelError('internal', 'the probe has no gradient');
  return programOf({ gradient });
}
