/** @file Ways to damage files on purpose, and what `check` says of them. */
import { plain, translated } from './markedTexts';
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { saveAdapter } from '../../../kernels/adapters/adapterFile';
import { checkPath } from '../../../kernels/check/checkPath';
import { openSafetensors, type TensorSpec } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { formatProblem, KernelError, type Problem } from '../../../kernels/protocol/errors';
import { Parameters } from '../../../kernels/trainer/parameters';
import { readConfig } from '../../../kernels/check/checkConfig';
import { planFor } from '../../../kernels/trainer/prepare';

export interface Checked {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** What `check` prints of a path, without the process around it. */
export async function check(target: string, base?: string): Promise<Checked> {
  const problems = new Map<string, Problem>();
  await checkPath(target, {
    ...(base !== undefined && { base }),
    signal: new AbortController().signal,
    report: (problem) => {
      const known = translated(problem);
      problems.set(formatProblem(known), known);
    },
    progress: () => undefined,
  });
  for (const { file, found, expected } of problems.values()) {
    if (!path.isAbsolute(file) || found === '' || expected === '')
      throw new Error(`mute: ${file}: ${found}; ${expected}`);
  }
  const lines = (severity: Problem['severity']): string[] =>
    [...problems].filter(([, problem]) => problem.severity === severity).map(([line]) => line);
  return { errors: lines('error'), warnings: lines('warning') };
}

/** The refusal of a program that should not accept what it was given, line by line; fails when it accepts it. */
export async function refusalOf(work: () => unknown): Promise<readonly string[]> {
  try {
    await work();
  } catch (error) {
    if (!KernelError.is(error)) throw error;
    if (['internal', 'machine/failed', 'cancelled'].includes(error.code)) throw error;
    error.problems.forEach(translated);
    return plain(error.message).split('\n');
  }
  throw new Error('it was accepted');
}

/** Writes the untrained adapter of a configuration. */
export function writeAdapter(dir: string, configFile: string): void {
  const config = readConfig(configFile);
  const model = openBaseModel(config.model);
  const plan = planFor(config, model, configFile);
  saveAdapter(dir, plan, new Parameters(plan).initialise(model, 1), { baseModelPath: config.model });
  model.checkpoint.close();
}

let copies = 0;

/** A copy of a folder inside `into`. */
export function copyOf(dir: string, into: string): string {
  const copy = path.join(into, `copy-${copies++}`);
  cpSync(dir, copy, { recursive: true });
  return copy;
}

type Edit = (name: string, values: Float32Array, spec: TensorSpec) => Float32Array | null | undefined;

/** Rewrites a safetensors file with other values; `null` leaves a tensor out. Added ones hold zeros. */
export function rewrite(file: string, edit: Edit, added: readonly TensorSpec[] = []): void {
  const from = openSafetensors(file);
  const kept = [...from.tensors.values()].flatMap((spec) => {
    const values = from.readF32(spec.name);
    const changed = edit(spec.name, values, spec);
    return changed === null ? [] : [{ spec, values: changed ?? values }];
  });
  from.close();
  const writer = SafetensorsWriter.create(`${file}.new`, [...kept.map((k) => k.spec), ...added]);
  for (const { spec, values } of kept) writer.writeF32(spec.name, values);
  for (const { name, shape } of added) writer.writeF32(name, new Float32Array(shape.reduce((n, d) => n * d, 1)));
  writer.commit();
  renameSync(`${file}.new`, file);
}

/** Rewrites tensors under other names, in other types or shapes; the values stay. */
export function respecify(file: string, change: (spec: TensorSpec) => TensorSpec | null): void {
  const from = openSafetensors(file);
  const kept = [...from.tensors.values()].flatMap((spec) => {
    const changed = change(spec);
    return changed === null ? [] : [{ spec: changed, values: from.readF32(spec.name) }];
  });
  from.close();
  const writer = SafetensorsWriter.create(
    `${file}.new`,
    kept.map((k) => k.spec),
  );
  for (const { spec, values } of kept) writer.writeF32(spec.name, values);
  writer.commit();
  renameSync(`${file}.new`, file);
}

export const changeJson = (file: string, changes: object): void =>
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...changes }));

/** Takes the header of a safetensors file, changes its text, and writes it back before the same bytes. */
export function changeHeader(file: string, change: (text: string) => string): void {
  const bytes = readFileSync(file);
  const end = 8 + Number(bytes.readBigUInt64LE());
  writeFileSync(file, rawSafetensors(change(bytes.toString('utf8', 8, end)), bytes.subarray(end)));
}

export function rawSafetensors(header: string | Uint8Array, data: Uint8Array = new Uint8Array()): Buffer {
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}
