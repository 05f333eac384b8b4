/**
 * @file `npm run golden -- DIR [--groups 01,02] [--models llama,qwen2] [--json FILE]`: runs every case of a folder of
 * reference results. Exit status 1 when a case fails, is of a kind that is not supported yet, or a group matches nothing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { KernelError } from '../../../kernels/protocol/errors';
import { runFormatCase } from '../formats/recordedCase';
import { formatTable, print, say } from '../shared/table';
import { runAnalysisCase } from './analysis';
import { ratio } from './compare';
import { runDoraLayers } from './doraLayers';
import { runModelCase } from './model';
import { runSchedules } from './schedules';
import { runSquareLayers } from './squareLayers';
import type { GoldenResult } from './tokenizer';
import { runTokenizerCase } from './tokenizer';

interface CaseFile {
  readonly kind: string;
  readonly base?: string | null;
}

interface GoldenCase extends CaseFile {
  readonly name: string;
  /** The digits the name begins with. */
  readonly group: string;
  readonly folder: string;
  /** `model_type` of the base; absent for cases without one. */
  readonly model?: string;
}

type Verdict = 'passed' | 'FAILED' | 'UNSUPPORTED';

interface Outcome {
  readonly case: string;
  readonly verdict: Verdict;
  readonly results: readonly GoldenResult[];
  /** Why it failed without numbers. */
  readonly reason?: string;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { groups: { type: 'string' }, models: { type: 'string' }, json: { type: 'string' } },
  });
  const [root] = positionals;
  if (root === undefined || positionals.length !== 1) throw new Error('expected one folder with bases/ and cases/');
  const groups = values.groups?.split(',');
  const models = values.models?.split(',');
  const chosen = findCases(root, groups).filter(
    ({ model }) => model === undefined || (models?.includes(model) ?? true),
  );
  const empty = (groups ?? []).filter((g) => !chosen.some(({ group }) => group === g));
  const outcomes: Outcome[] = [];
  for (const golden of chosen) {
    say(golden.name);
    outcomes.push(await run(root, golden));
  }
  print(formatTable([['case', 'verdict', 'error', 'tolerance', 'ratio', 'worst quantity'], ...outcomes.flatMap(rows)]));
  for (const group of empty) print(`group ${group} matches no case`);
  const count = (verdict: Verdict): number => outcomes.filter((o) => o.verdict === verdict).length;
  print(`\n${count('passed')} passed, ${count('FAILED')} failed, ${count('UNSUPPORTED')} unsupported`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ outcomes, empty }, null, 2)}\n`);
  return outcomes.length > 0 && empty.length === 0 && count('passed') === outcomes.length ? 0 : 1;
}

function findCases(root: string, groups: readonly string[] | undefined): readonly GoldenCase[] {
  const cases = path.join(root, 'cases');
  const groupOf = (name: string): string => /^\d+/.exec(name)?.[0] ?? name;
  return readdirSync(cases)
    .filter((name) => existsSync(path.join(cases, name, 'case.json')))
    .filter((name) => groups?.includes(groupOf(name)) ?? true)
    .sort()
    .map((name) => {
      const folder = path.join(cases, name);
      const file = readJson<CaseFile>(folder, 'case.json');
      // A base that is not there fails its cases alone.
      const hasBase = file.base && existsSync(path.join(root, 'bases', file.base, 'config.json'));
      const model = hasBase
        ? readJson<{ readonly model_type?: string }>(root, 'bases', file.base ?? '', 'config.json')
        : {};
      return {
        ...file,
        name,
        group: groupOf(name),
        folder,
        ...(model.model_type !== undefined && { model: model.model_type }),
      };
    });
}

async function run(root: string, golden: GoldenCase): Promise<Outcome> {
  const { name, kind, folder } = golden;
  try {
    const results = await resultsOf(root, kind, folder);
    if (results === null) return { case: name, verdict: 'UNSUPPORTED', results: [], reason: `cases of kind ${kind}` };
    const isPassed = results.length > 0 && results.every((r) => r.worstError <= r.tolerance);
    return { case: name, verdict: isPassed ? 'passed' : 'FAILED', results };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { case: name, verdict: isUnsupported(error) ? 'UNSUPPORTED' : 'FAILED', results: [], reason };
  }
}

/** `null`: a kind that is not supported yet. */
async function resultsOf(root: string, kind: string, folder: string): Promise<readonly GoldenResult[] | null> {
  if (kind === 'base' || kind === 'adapter' || kind === 'full' || kind === 'reslora' || kind === 'relora')
    return runModelCase(root, folder);
  if (kind === 'peft-format') return runFormatCase(root, folder);
  if (kind === 'schedules') return runSchedules(folder);
  if (kind === 'tokenizer') return runTokenizerCase(folder);
  if (kind === 'dora-layers') return runDoraLayers(folder);
  if (kind === 'mora-layers') return runSquareLayers(folder);
  if (kind.startsWith('analysis-')) return runAnalysisCase(folder, path.join(root, 'bases'));
  return null;
}

/** Refused because of what it is, not because something is wrong with it. */
function isUnsupported(error: unknown): boolean {
  if (KernelError.is(error, 'adapter/unsupported') || KernelError.is(error, 'model/unsupported')) return true;
  return KernelError.is(error) && error.problems.some((p) => p.where === 'model_type');
}

/** One line for a case, and one more for each further quantity that is out of its tolerance. */
function rows({ case: name, verdict, results, reason }: Outcome): string[][] {
  if (reason !== undefined) return [[name, verdict, '', '', '', reason.replace(/\s+/g, ' ')]];
  const sorted = [...results].sort((a, b) => ratio(b) - ratio(a));
  const failed = sorted.filter((r) => !(r.worstError <= r.tolerance));
  const shown = failed.length > 0 ? failed : sorted.slice(0, 1);
  return shown.map((r, i) => {
    const numbers = [r.worstError.toExponential(2), r.tolerance.toExponential(1), ratio(r).toFixed(3)];
    return [i === 0 ? name : '', i === 0 ? verdict : '', ...numbers, r.quantity];
  });
}

const readJson = <T>(...parts: readonly string[]): T => JSON.parse(readFileSync(path.join(...parts), 'utf8')) as T;

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  },
);
