/** @file Runs a program once, in pieces, so that only the weights of one piece are in memory at a time. */
import { encodeOnnx } from '../graph/onnx/encode';
import type { Program } from '../graph/program';
import { splitProgram } from '../graph/splitProgram';
import { KernelError } from '../protocol/errors';
import { ortRuntime } from './ort';
import type { CompileOptions, Feeds, HostTensor } from './types';

export interface PieceOptions extends CompileOptions {
  /** Weight bytes of one piece; a single node may need more. */
  readonly maxWeightBytes: number;
  readonly signal?: AbortSignal;
  readonly onPiece?: (done: number, count: number) => void;
}

/** The outputs of the program, by name. Throws `cancelled` between pieces when `signal` fires. */
export async function runInPieces(
  program: Program,
  feeds: Feeds,
  options: PieceOptions,
): Promise<ReadonlyMap<string, Float32Array>> {
  const pieces = splitProgram(program, options.maxWeightBytes);
  const known = new Map<string, HostTensor>(Object.entries(feeds));
  for (const [i, piece] of pieces.entries()) {
    if (options.signal?.aborted) throw new KernelError('cancelled', 'cancelled');
    const target = options.device === 'cpu' ? 'cpu' : 'gpu';
    const bytes = encodeOnnx(piece, { target, weightsFolder: options.weightsFolder });
    const session = await ortRuntime.compile(bytes, options);
    try {
      const outputs = await session.run(feedsOf(piece, known));
      for (const [name, { type }] of piece.outputs) {
        const data = outputs[name];
        if (!data) throw new KernelError('internal', `the session has no output ${name}`);
        known.set(name, { dtype: 'f32', shape: type.shape, data });
      }
    } finally {
      await session.dispose();
    }
    forgetUnused(known, pieces.slice(i + 1), program);
    options.onPiece?.(i + 1, pieces.length);
    await new Promise((resume) => setImmediate(resume));
  }
  return new Map([...program.outputs.keys()].map((name) => [name, known.get(name)?.data as Float32Array]));
}

/** A session refuses feeds that it has no input for. */
function feedsOf(piece: Program, known: ReadonlyMap<string, HostTensor>): Feeds {
  return Object.fromEntries(
    inputNames(piece).map((name) => {
      const tensor = known.get(name);
      if (!tensor) throw new KernelError('internal', `no feed for ${name}`);
      return [name, tensor];
    }),
  );
}

function forgetUnused(known: Map<string, HostTensor>, rest: readonly Program[], { outputs }: Program): void {
  const needed = new Set([...outputs.keys(), ...rest.flatMap(inputNames)]);
  for (const name of known.keys()) if (!needed.has(name)) known.delete(name);
}

const inputNames = ({ leaves }: Program): readonly string[] =>
  leaves.flatMap(({ leaf }) => (leaf?.kind === 'input' ? [leaf.name] : []));
