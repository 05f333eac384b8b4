/** @file Answers about what lies in adapters, weight files and checkpoints. */
import * as l10n from '@vscode/l10n';
import { checkPath } from '../../check/checkPath';
import type { InspectedPath } from '../../inspect/inspectedPath';
import { tensorMatrix, type BlockMatrix } from '../../inspect/matrixBlocks';
import { OpenPaths } from '../../inspect/openPaths';
import { tensorFacts } from '../../inspect/tensorStatistics';
import { readTile } from '../../inspect/tiles';
import type { CallContext } from '../../protocol/channel';
import type { InspectCalls, ModuleMeasures, TensorFacts, TileOf } from '../../protocol/calls/inspect';
import { formatProblem, KernelError, type Problem } from '../../protocol/errors';
import type { HandlersOf } from '../serve';

const MAX_BINS = 1000;

const paths = new OpenPaths();

export const inspectHandlers: HandlersOf<InspectCalls> = {
  'inspect/open': ({ path }) => paths.use(path, ({ contents }) => contents),
  'inspect/modules': ({ path }, context) => paths.use(path, (opened) => allModules(opened, context)),
  'inspect/module': ({ path, module }) => paths.use(path, (opened) => modulesOf(opened).spectrum(module)),
  'inspect/tile': ({ path, of, ...request }, { signal, progress }) =>
    paths.use(path, async (opened) => {
      const onProgress = (fraction: number): void => progress({ fraction, message: nameOf(of) });
      return readTile(await matrixOf(opened, of), request, { signal, onProgress });
    }),
  'inspect/statistics': ({ path, tensor, bins }, context) =>
    paths.use(path, (opened) => statistics(opened, tensor, bins, context)),
  'inspect/check': ({ path }, context) => check(path, context),
};

async function allModules(
  opened: InspectedPath,
  { signal, progress }: CallContext,
): Promise<{ modules: readonly ModuleMeasures[] }> {
  const { contents } = opened;
  const names = contents.kind === 'adapter' ? contents.modules.map(({ module }) => module) : [];
  const modules: ModuleMeasures[] = [];
  for (const name of names) {
    signal.throwIfAborted();
    const { module, norms, delta } = await modulesOf(opened).spectrum(name);
    modules.push({ module, norms, delta });
    progress({ fraction: modules.length / names.length, message: name });
    // Tiles and single modules are answered in between.
    await new Promise((resume) => setImmediate(resume));
  }
  return { modules };
}

async function statistics(
  { source }: InspectedPath,
  tensor: string,
  bins: number,
  { signal, progress }: CallContext,
): Promise<TensorFacts> {
  if (!Number.isInteger(bins) || bins < 1 || bins > MAX_BINS) {
    throw new KernelError('input/refused', l10n.t('{0} bins; expected a whole number from 1 to {1}', bins, MAX_BINS));
  }
  const onFraction = (fraction: number): void => progress({ fraction, message: tensor });
  const { non_finite: _sum, ...facts } = await tensorFacts(source, tensor, bins, signal, onFraction);
  return facts;
}

/** A problem that several paths lead to is told once. */
async function check(path: string, { signal, progress }: CallContext): Promise<{ problems: readonly Problem[] }> {
  const problems = new Map<string, Problem>();
  await checkPath(path, {
    signal,
    report: (problem) => problems.set(`${problem.severity} ${formatProblem(problem)}`, problem),
    progress: (message) => progress({ message }),
  });
  return { problems: [...problems.values()] };
}

function modulesOf({ contents, adapter }: InspectedPath): NonNullable<InspectedPath['adapter']> {
  if (adapter) return adapter;
  throw new KernelError('input/refused', l10n.t('{0} is no adapter, so it has no modules', contents.path));
}

const matrixOf = (opened: InspectedPath, of: TileOf): BlockMatrix | Promise<BlockMatrix> =>
  'tensor' in of ? tensorMatrix(opened.source, of.tensor) : modulesOf(opened).delta(of.delta);

const nameOf = (of: TileOf): string => ('tensor' in of ? of.tensor : `ΔW of ${of.delta}`);
