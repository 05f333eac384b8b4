/**
 * @file Every format of FORMAT_CASES in both directions with PEFT in the room: an adapter trained and written here is loaded by
 * PEFT, one trained and written by PEFT is loaded here, and both programs must answer with the same logits.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SafetensorsFile } from '../../../kernels/formats/safetensors';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import type { ConvertReport } from '../../../kernels/protocol/types';
import type { FormatCase } from '../formats/formatCases';
import { FORMAT_CASES } from '../formats/formatCases';
import {
  baseOf,
  inputsFor,
  openForTraining,
  placelessConfig,
  trainedFolder,
  writeOwnAdapter,
} from '../formats/ownAdapter';
import type { FormatTolerances, RecordedFormat } from '../formats/recordedCase';
import { logitsWith, refusedKey, SIDES } from '../formats/recordedCase';
import type { Batch } from '../golden/model';
import { runPeer, type Peers } from '../shared/peers';
import { projectRoot } from '../shared/projectRoot';
import { formatTable, say } from '../shared/table';
import { atMost, type Checks } from './checks';
import { relativeDifference } from './peftChecks';

const GOLDEN = path.join(projectRoot, 'test', 'golden');
/** Of the range of the logits: float32 gives some 1e-7, a misread adapter some 1e-2. */
const LIMIT = 1e-5;
/** An adapter that changes less proves nothing. */
const LEAST_EFFECT = 1e-3;
interface Prepared {
  readonly format: FormatCase;
  readonly base: string;
  readonly batch: Batch;
  /** What PEFT writes into, and the folder of our adapter. */
  readonly out: string;
  readonly own: string;
  readonly report: ConvertReport | null;
  readonly work: string;
}

interface FormatRow {
  readonly name: string;
  readonly own?: number;
  readonly peft?: number;
  readonly isPassed: boolean;
}

export interface FormatTask {
  readonly peers: Peers;
  readonly work: string;
  /** Writes the cases that pass as golden files. */
  readonly isRecording: boolean;
}

/** Runs the cases, of all names or the given ones, and returns the table of the largest differences. */
export async function checkFormats(checks: Checks, names: readonly string[], task: FormatTask): Promise<string> {
  const chosen = FORMAT_CASES.filter(({ name }) => names.length === 0 || names.includes(name));
  if (chosen.length < names.length)
    throw new Error(`known formats are ${FORMAT_CASES.map(({ name }) => name).join(', ')}`);
  const prepared: Prepared[] = [];
  for (const format of chosen) {
    await checks.run(`${format.name}: written here`, 'no error', async () => {
      prepared.push(await prepare(format, path.join(task.work, format.name)));
      return { measured: format.own ? 'written' : 'only read', isPassed: true };
    });
  }
  const jobs = prepared.map(jobOf);
  const file = path.join(task.work, 'jobs.json');
  await writeFile(file, JSON.stringify(jobs));
  say(`PEFT writes and reads ${jobs.length} formats`);
  await runPeer(task.peers, 'interop/peft_formats.py', '--jobs', file);
  const rows: FormatRow[] = [];
  for (const one of prepared) {
    const row = await compare(checks, one);
    rows.push(row);
    if (task.isRecording && row.isPassed) record(one);
  }
  const shown = (value: number | undefined): string => value?.toExponential(1) ?? '';
  return formatTable([
    ['format', 'ours in PEFT', "PEFT's here"],
    ...rows.map(({ name, own, peft }) => [name, shown(own), shown(peft)]),
  ]);
}

async function prepare(format: FormatCase, work: string): Promise<Prepared> {
  mkdirSync(work, { recursive: true });
  const base = baseOf(format, GOLDEN, work);
  const own = path.join(work, 'own');
  const model = openForTraining(base, format);
  try {
    const batch = inputsFor(model, format);
    const report = format.own ? await writeOwnAdapter(model, format.own, batch, { out: own, work }) : null;
    return { format, base, batch, own, report, work, out: path.join(work, 'out') };
  } finally {
    model.checkpoint.close();
  }
}

const jobOf = ({ format, base, batch, own, out }: Prepared): object => ({
  base,
  inputs: batch,
  out,
  ...(format.own && { own }),
  ...(format.theirs && { theirs: format.theirs }),
  ...(format.headless !== undefined && { labels: format.headless }),
  ...(format.refused !== undefined && { written_only: true }),
});

async function compare(checks: Checks, prepared: Prepared): Promise<FormatRow> {
  const { format, base, batch, own, out } = prepared;
  const { name, refused } = format;
  if (refused !== undefined) {
    const isPassed = await checks.run(`${name}: refused`, `names ${refused}`, () => {
      const failure = path.join(out, 'error.txt');
      if (existsSync(failure)) throw new Error(readFileSync(failure, 'utf8'));
      const measured = refusedKey(base, path.join(out, 'peft'));
      return Promise.resolve({ measured, isPassed: measured === refused });
    });
    return { name, isPassed };
  }
  const found: { own?: number; peft?: number } = {};
  const verdicts: boolean[] = [];
  const folders = { own: format.own && own, peft: format.theirs && path.join(out, 'peft') };
  for (const side of SIDES) {
    const adapter = folders[side];
    if (adapter === undefined) continue;
    const title = side === 'own' ? `${name}: PEFT loads ours` : `${name}: we load PEFT's`;
    const limit = `at most ${LIMIT}, of a change of at least ${LEAST_EFFECT}`;
    const isPassed = await checks.run(title, limit, async () => {
      const failure = path.join(out, 'error.txt');
      if (existsSync(failure)) throw new Error(readFileSync(failure, 'utf8'));
      const { complaints } = readReport(out);
      if (complaints.length > 0) throw new Error(complaints.join('; '));
      const [before, theirs] = ['base', side].map((key) => readTensor(out, key));
      const ours = await logitsWith(base, adapter, batch);
      const effect = relativeDifference(before!, theirs!);
      const difference = relativeDifference(ours, theirs!);
      found[side] = difference;
      const { measured, isPassed } = atMost(difference, LIMIT);
      return { measured: `${measured} of ${effect.toExponential(1)}`, isPassed: isPassed && effect >= LEAST_EFFECT };
    });
    verdicts.push(isPassed);
  }
  if (found.own !== undefined && prepared.report) verdicts.push(await checkReport(checks, prepared, prepared.report));
  return { name, ...found, isPassed: verdicts.every(Boolean) };
}

/** For a Python without PEFT. */
export function skipFormats(checks: Checks, reason: string): void {
  checks.notRun('adapters of every format, written here and by PEFT', `at most ${LIMIT}`, reason);
}

/** What the conversion said that it costs, against PEFT with the result and this engine with what was converted. */
function checkReport(
  checks: Checks,
  { format, base, batch, out, work }: Prepared,
  { maxAbsLogitDifference: said, maxAbsLogit }: ConvertReport,
): Promise<boolean> {
  return checks.run(
    `${format.name}: cost of the conversion, as PEFT finds it`,
    `${said.toExponential(2)} as reported`,
    async () => {
      const before = await logitsWith(base, trainedFolder(work), batch);
      const cost = largestDifference(readTensor(out, 'own'), before);
      return { measured: cost.toExponential(2), isPassed: Math.abs(cost - said) <= LIMIT * maxAbsLogit };
    },
  );
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} logits beside ${b.length}`);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
}

/** Writes a case of test/golden: both adapters, what PEFT answered, and what is allowed. */
function record({ format, batch, own, out }: Prepared): void {
  const { name, base, headless, refused } = format;
  const folder = path.join(GOLDEN, 'cases', `16-${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const sides = SIDES.filter((side) => format[side === 'own' ? 'own' : 'theirs']);
  for (const side of sides) {
    const from = side === 'own' ? own : path.join(out, 'peft');
    for (const file of ['adapter_config.json', 'adapter_model.safetensors'])
      cpSync(path.join(from, file), path.join(folder, side, file));
    const config = { ...placelessConfig(from), base_model_name_or_path: base };
    writeFileSync(path.join(folder, side, 'adapter_config.json'), `${JSON.stringify(config)}\n`);
  }
  const test: RecordedFormat = {
    kind: 'peft-format',
    base,
    ...(headless !== undefined && { headless }),
    ...(refused !== undefined && { refused }),
    ...(format.own && { own: format.own }),
  };
  writeFileSync(path.join(folder, 'case.json'), `${JSON.stringify({ ...test, note: NOTE })}\n`);
  if (refused !== undefined) return;
  const { tolerance } = readReport(out);
  writeFileSync(path.join(folder, 'inputs.json'), `${JSON.stringify({ batches: [batch] })}\n`);
  writeFileSync(path.join(folder, 'expected.json'), `${JSON.stringify({ tolerance: pick(tolerance, sides) })}\n`);
  const tensors = sides.map((name) => ({ name, data: readTensor(out, name), shape: shapeOf(out, name) }));
  const writer = SafetensorsWriter.create(
    path.join(folder, 'expected.safetensors'),
    tensors.map(({ name, shape }) => ({ name, dtype: 'F32' as const, shape })),
  );
  for (const { name, data } of tensors) writer.writeF32(name, data);
  writer.commit();
}

const NOTE = 'npm run interop -- --formats --record';

const pick = (tolerance: FormatTolerances, sides: readonly (typeof SIDES)[number][]): object =>
  Object.fromEntries(sides.map((side) => [side, tolerance[side]]));

interface PeftReport {
  readonly tolerance: FormatTolerances;
  readonly complaints: readonly string[];
}

const readReport = (out: string): PeftReport =>
  JSON.parse(readFileSync(path.join(out, 'report.json'), 'utf8')) as PeftReport;

function fromLogits<T>(out: string, read: (file: SafetensorsFile) => T): T {
  const file = openSafetensors(path.join(out, 'logits.safetensors'));
  try {
    return read(file);
  } finally {
    file.close();
  }
}

const readTensor = (out: string, name: string): Float32Array => fromLogits(out, (file) => file.readF32(name));
const shapeOf = (out: string, name: string): readonly number[] => fromLogits(out, (file) => file.tensor(name).shape);
