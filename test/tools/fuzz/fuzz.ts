/** @file Feeds damaged texts to a reader. It may accept or refuse each; anything else is a defect, shown with the input. */
import { KernelError } from '../../../kernels/protocol/errors';
import { createRandom } from '../../../kernels/util/random';
import { mutate } from './mutate';
import type { FuzzTarget } from './targets';

export interface FuzzReport {
  readonly count: number;
  readonly accepted: number;
  readonly refused: number;
  /** Milliseconds of the slowest input. */
  readonly slowestMs: number;
  readonly seconds: number;
}

const REFUSALS = ['input/refused', 'format/invalid', 'adapter/unsupported', 'model/unsupported'];

/** Throws at the first defect, with the number of the input, which with the seed makes it again. */
export async function fuzz(
  target: FuzzTarget,
  count: number,
  seed: number,
  onProgress: (done: number) => void = () => undefined,
): Promise<FuzzReport> {
  let [accepted, refused, slowestMs] = [0, 0, 0];
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    const random = createRandom(seed, i);
    const source = target.seeds[random.below(target.seeds.length)] ?? Buffer.alloc(0);
    const bytes = mutate(source, random);
    const begun = performance.now();
    try {
      await target.read(bytes, random);
      accepted++;
    } catch (error) {
      const defect = defectOf(error);
      if (defect !== undefined) {
        throw new Error(`${target.name}, input ${i} of seed ${seed}: ${defect}\n${JSON.stringify(bytes.toString())}`, {
          cause: error,
        });
      }
      refused++;
    }
    slowestMs = Math.max(slowestMs, performance.now() - begun);
    if ((i * 10) % count < 10) onProgress(i);
  }
  return { count, accepted, refused, slowestMs, seconds: (performance.now() - started) / 1000 };
}

/** Why this is no refusal that a person can use. */
function defectOf(error: unknown): string | undefined {
  if (!KernelError.is(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (!REFUSALS.includes(error.code)) return `${error.code}: ${error.message}`;
  if (error.problems.length === 0) return `a refusal without problems: ${error.message}`;
  const mute = error.problems.find((p) => p.file === '' || p.found === '' || p.expected === '');
  return mute && `a problem that does not say what was found and expected: ${JSON.stringify(mute)}`;
}
