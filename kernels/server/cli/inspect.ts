/** @file `inspect`: shapes, norms and spectra of an adapter; the tensors of a safetensors file or a checkpoint. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { adapterOfRun, checkpointThatIsGone, isPeftAdapter } from '../../formats/peft';
import type { InspectedModule, InspectedTensor } from '../../inspect/inspectAdapter';
import { inspectAdapter } from '../../inspect/inspectAdapter';
import type { InspectedTensors, ListedTensor } from '../../inspect/inspectTensors';
import { inspectCheckpoint, inspectSafetensors } from '../../inspect/inspectTensors';
import type { Problem } from '../../protocol/errors';
import { formatProblem, KernelError } from '../../protocol/errors';
import type { Command, Output } from './command';
import { bar, oneArgument, stringOption, table } from './command';
import { noteStoredRank } from './resultTexts';

const WHAT = 'an adapter folder, a checkpoint folder or a safetensors file';

export const inspectCommand: Command = {
  name: 'inspect',
  usage: 'PATH [--module M]',
  summary: 'Shows an adapter (shapes, norms, spectra), or the tensors of a safetensors file or a checkpoint.',
  options: { module: { type: 'string' } },
  async run(context) {
    const { out, values, signal } = context;
    const target = path.resolve(oneArgument(context, WHAT));
    const wanted = stringOption(values, 'module');
    if (isPeftAdapter(target)) {
      await showAdapter(target, wanted, out, signal);
      return;
    }
    const stats = statSync(target, { throwIfNoEntry: false });
    if (!stats) {
      const [found, expected] = checkpointThatIsGone(target) ?? ['there is nothing at this path', `expected ${WHAT}`];
      throw KernelError.refused([{ file: target, severity: 'error', found, expected }]);
    }
    const [found, expected] = adapterOfRun(target) ?? [];
    if (found !== undefined && expected !== undefined) {
      throw KernelError.refused([{ file: target, severity: 'error', found, expected }]);
    }
    const opened = stats.isDirectory() ? inspectCheckpoint(target) : inspectSafetensors(target);
    try {
      await showTensors(opened, wanted, out, signal);
    } finally {
      opened.close();
    }
  },
};

async function showAdapter(dir: string, wanted: string | undefined, out: Output, signal: AbortSignal): Promise<void> {
  let count = 0;
  const inspected = await inspectAdapter(dir, {
    signal,
    choose: (all) => {
      count = all.length;
      return wanted === undefined ? all : named(all, (module) => module, wanted, dir);
    },
    onModule: (module, done, all) => out.progress(`${bar(done / all)} ${module}`),
  });
  out.clearProgress();
  const { base, method, config, parameters, modules: shown, saved, warnings } = inspected;
  const withoutValues = shown.map(({ update, ...rest }) => ({ ...rest, update: update && withoutSpectrum(update) }));
  out.record({ kind: 'adapter', ...inspected, modules: wanted === undefined ? withoutValues : shown });
  for (const warning of warnings) out.note(`warning: ${formatProblem(warning)}`);

  out.line(`${dir}: ${method} adapter of ${count} modules, ${parameters.toLocaleString('en')} trained parameters`);
  out.line(`base: ${base ?? 'not named'}`);
  noteStoredRank(dir, out);
  const written = Object.entries(config).filter(([, value]) => !isEmpty(value));
  out.line(written.map(([key, value]) => `${key}: ${describe(value)}`).join('; '));
  out.line();
  out.line(adapterTable(shown));
  const tensors = Object.entries(saved);
  if (tensors.length > 0 && wanted === undefined) {
    out.line();
    const rows = tensors.map(([name, t]) => [name, roleText[t.role], t.dtype, shapeOf(t.shape), norm(t)]);
    out.line(table([['beside the modules', '', 'dtype', 'shape', 'norm'], ...rows]));
  }
  for (const { module, update } of wanted === undefined ? [] : shown) {
    out.line();
    const values = update?.singular_values.map((v) => v.toPrecision(6)).join('  ');
    out.line(
      `${module}: ${values ? `singular values of ΔW: ${values}` : 'the spectrum of its update cannot be had here'}`,
    );
  }
  refuseNotFinite(dir, [
    ...shown.flatMap(({ module, tensors: own }) =>
      Object.entries(own).map(([name, t]) => [`${name} of ${module}`, t] as const),
    ),
    ...tensors,
  ]);
}

/** After all is shown, so that the person sees where: nothing else reads such an adapter either. */
function refuseNotFinite(file: string, tensors: readonly (readonly [string, InspectedTensor])[]): void {
  const problems = tensors.flatMap(([where, { norm: value }]) =>
    value === null
      ? [
          {
            file,
            where,
            severity: 'error',
            found: 'holds values that are not finite',
            expected: 'expected finite values',
          } as const,
        ]
      : [],
  );
  if (problems.length > 0) throw KernelError.refused(problems);
}

const roleText = { trained: 'trained in full', frozen: 'frozen', measured: 'measured', copy: 'copy' } as const;

function adapterTable(modules: readonly InspectedModule[]): string {
  // Copies, and numbers that only a merge reads, say nothing to a person; `--json` has them.
  const isShown = ({ role }: InspectedTensor): boolean => role === 'trained' || role === 'frozen';
  const params = [
    ...new Set(modules.flatMap((m) => Object.entries(m.tensors).flatMap(([name, t]) => (isShown(t) ? [name] : [])))),
  ];
  const heading = ['module', ...params.flatMap((p) => [p, `‖${p}‖`]), 'scaling', '‖ΔW‖', 'stable rank', 'eff. rank'];
  const rows = modules.map(({ module, tensors, update }) => [
    module,
    ...params.flatMap((p) => [tensors[p] ? shapeOf(tensors[p].shape) : '', tensors[p] ? norm(tensors[p]) : '']),
    ...(update
      ? [
          update.scaling.toPrecision(4),
          update.norm.toPrecision(4),
          update.stable_rank.toFixed(2),
          update.effective_rank.toFixed(2),
        ]
      : []),
  ]);
  return table([heading, ...rows]);
}

async function showTensors(
  opened: InspectedTensors,
  wanted: string | undefined,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const { kind, path: place, model_type: type, parameters, bytes, tensors, metadata } = opened;
  const shown = wanted === undefined ? tensors : named(tensors, ({ name }) => name, wanted, place);
  const described: ListedTensor[] = [];
  const bad: Problem[] = [];
  for (const tensor of shown) {
    const statistics = wanted === undefined ? undefined : await opened.statistics(tensor.name, signal);
    described.push({ ...tensor, ...(statistics && { statistics }) });
    if (!statistics) continue;
    const { count, min, max, mean, std, zeros, non_finite } = statistics;
    const numbers = { min, max, mean, std };
    const values = Object.entries(numbers).map(([name, v]) => `${name} ${v === null ? 'none' : v.toPrecision(6)}`);
    out.line(`${tensor.name}  ${tensor.dtype} ${shapeOf(tensor.shape)}  ${count.toLocaleString('en')} values`);
    out.line(`  ${values.join('  ')}  zeros ${zeros}  not finite ${non_finite}`);
    if (non_finite > 0) {
      const found = `holds ${non_finite} values that are not finite`;
      bad.push({ file: place, where: tensor.name, severity: 'error', found, expected: 'expected finite values' });
    }
  }
  const summary = { kind, path: place, ...(type !== undefined && { model_type: type }), metadata, parameters, bytes };
  out.record({ ...summary, tensors: described });
  if (bad.length > 0) throw KernelError.refused(bad);
  if (wanted !== undefined) return;
  const what = type === undefined ? '' : `${type}, `;
  out.line(
    `${place}: ${what}${tensors.length} tensors, ${parameters.toLocaleString('en')} parameters, ${sizeOf(bytes)}`,
  );
  out.line();
  const rows = tensors.map((t) => [t.name, t.dtype, shapeOf(t.shape), sizeOf(t.bytes), ...(t.file ? [t.file] : [])]);
  out.line(table([['tensor', 'dtype', 'shape', 'size', ...(tensors[0]?.file ? ['file'] : [])], ...rows]));
}

/** What `wanted` names: itself, what is inside it (`….q_proj.weight` of `….q_proj`), or every name that ends with it. */
function named<T>(all: readonly T[], nameOf: (item: T) => string, wanted: string, file: string): readonly T[] {
  const names = (test: (name: string) => boolean): readonly T[] => all.filter((item) => test(nameOf(item)));
  const tries = [
    names((n) => n === wanted),
    names((n) => n.startsWith(`${wanted}.`)),
    names((n) => n.endsWith(`.${wanted}`) || n.includes(`.${wanted}.`)),
  ];
  const found = tries.find((items) => items.length > 0);
  if (found) return found;
  const some = all.slice(0, 3).map(nameOf).join(', ');
  const expected = all.length === 0 ? 'it holds none' : `expected one of the ${all.length} names, such as ${some}`;
  const problem = { file, where: '--module', severity: 'error', found: `there is no ${wanted}`, expected } as const;
  throw KernelError.refused([problem]);
}

function withoutSpectrum<T extends { readonly singular_values: readonly number[] }>(
  update: T,
): Omit<T, 'singular_values'> {
  const { singular_values: _values, ...rest } = update;
  return rest;
}

const shapeOf = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

const norm = ({ norm: value }: InspectedTensor): string => value?.toPrecision(4) ?? 'not finite';

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/** More names than fit on a line: what is different in them, and how many there are. */
const MOST_NAMES = 12;

function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length <= MOST_NAMES) return JSON.stringify(value);
  const ends = [...new Set(value.map((name) => String(name).split('.').at(-1) ?? ''))];
  return `${ends.slice(0, MOST_NAMES).join(', ')}${ends.length > MOST_NAMES ? ', …' : ''} (${value.length} names)`;
}

function sizeOf(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(2)} ${units[power]}`;
}
