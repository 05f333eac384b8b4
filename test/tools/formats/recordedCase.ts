/**
 * @file Golden cases of kind "peft-format": an adapter that this engine wrote and one that PEFT wrote in the same format, with
 * the logits that PEFT answered with either. So it is tested without Python that each side understands the other's files, and
 * that what is written today still has the form which PEFT has loaded. `npm run interop -- --formats --record` makes them.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { adapterTask } from '../../../kernels/adapters/adapterTask';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { openBaseModel, withTaskOf } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import { ModelRunner } from '../../../kernels/trainer/runner';
import type { CycleBase } from '../../../kernels/weights/cycleBase';
import { baseOf as cycleBaseOf } from '../../../kernels/weights/openAdapted';
import type { Tolerance } from '../golden/compare';
import { compareNames, compareValues } from '../golden/compare';
import type { Batch } from '../golden/model';
import { microBatch } from '../golden/model';
import type { GoldenResult } from '../golden/tokenizer';
import type { FormatCase, OwnAdapter } from './formatCases';
import { baseOf, openForTraining, placelessConfig, writeOwnAdapter } from './ownAdapter';

/** The two folders of a case, and the names of PEFT's logits with each. */
export const SIDES = ['own', 'peft'] as const;

export interface RecordedFormat extends Pick<FormatCase, 'base' | 'headless' | 'refused'> {
  readonly kind: 'peft-format';
  readonly own?: OwnAdapter;
}

/** What an independent implementation is allowed of PEFT's logits. */
export type FormatTolerances = Readonly<Record<(typeof SIDES)[number], Tolerance | undefined>>;

/** Runs one recorded case. Throws what the product throws when it cannot read one of the folders. */
export async function runFormatCase(root: string, folder: string): Promise<GoldenResult[]> {
  const test = readJson<RecordedFormat>(folder, 'case.json');
  if (test.refused !== undefined) {
    const key = refusedKey(path.join(root, 'bases', test.base), path.join(folder, 'peft'));
    return [compareNames('refused key', [key], [test.refused])];
  }
  const { tolerance } = readJson<{ readonly tolerance: FormatTolerances }>(folder, 'expected.json');
  const [batch] = readJson<{ readonly batches: readonly Batch[] }>(folder, 'inputs.json').batches;
  if (!batch) throw new Error('inputs.json holds no batches');
  const work = mkdtempSync(path.join(tmpdir(), 'golden-'));
  const expected = openSafetensors(path.join(folder, 'expected.safetensors'));
  try {
    const base = baseOf(test, root, work);
    const results: GoldenResult[] = [];
    for (const side of SIDES) {
      const adapter = path.join(folder, side);
      if (!existsSync(adapter)) continue;
      const logits = await logitsWith(base, adapter, batch);
      const allowed = tolerance[side] ?? { atol: 0 };
      results.push(compareValues(`logits, ${side}`, logits, expected.readF32(side), allowed));
    }
    if (test.own) results.push(...(await compareForm(test, test.own, batch, { base, folder, work })));
    return results;
  } finally {
    expected.close();
    rmSync(work, { recursive: true, force: true });
  }
}

/** Logits of every position, or of every text where a head answers for whole texts. */
export async function logitsWith(base: string, adapter: string, batch: Batch): Promise<Float32Array> {
  const opened = openBaseModel(base);
  let cycle: CycleBase | null = null;
  try {
    const model = withTaskOf(opened, (head) => adapterTask(adapter, head));
    const loaded = loadAdapter(adapter, model, { takesRestarts: true });
    cycle = await cycleBaseOf(loaded, model);
    const { plan, parameters } = loaded;
    const runner = new ModelRunner(cycle?.model ?? model, plan, parameters, { device: 'cpu', threads: 1 });
    try {
      const micro = microBatch(batch, model);
      const rows =
        model.task.kind === 'next-token'
          ? Int32Array.from({ length: micro.batch * micro.length }, (_, i) => i)
          : micro.rows;
      return await runner.logits({ ...micro, rows });
    } finally {
      await runner.dispose();
    }
  } finally {
    cycle?.dispose();
    opened.checkpoint.close();
  }
}

/** The key for which an adapter is refused; `none` when it is not. */
export function refusedKey(base: string, adapter: string): string {
  const model = openBaseModel(base);
  try {
    loadAdapter(adapter, model);
    return 'none';
  } catch (error) {
    if (!KernelError.is(error, 'adapter/unsupported')) throw error;
    return error.problems.map(({ where }) => where).join();
  } finally {
    model.checkpoint.close();
  }
}

/** What is written now against what PEFT has loaded: all of the configuration, and names, types and shapes of the tensors. */
async function compareForm(
  test: RecordedFormat,
  own: OwnAdapter,
  batch: Batch,
  { base, folder, work }: Readonly<Record<'base' | 'folder' | 'work', string>>,
): Promise<GoldenResult[]> {
  const out = path.join(work, 'own');
  const model = openForTraining(base, test);
  try {
    await writeOwnAdapter(model, own, batch, { out, work });
  } finally {
    model.checkpoint.close();
  }
  const recorded = path.join(folder, 'own');
  const fields = (dir: string): readonly string[] =>
    Object.entries(placelessConfig(dir)).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return [
    compareNames('adapter_config.json', fields(out), fields(recorded)),
    compareNames('form of adapter_model.safetensors', formOf(out), formOf(recorded)),
  ];
}

function formOf(dir: string): readonly string[] {
  const file = openSafetensors(path.join(dir, 'adapter_model.safetensors'));
  try {
    return [...file.tensors.values()].map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`);
  } finally {
    file.close();
  }
}

const readJson = <T>(folder: string, file: string): T => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as T;
