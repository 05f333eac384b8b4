/** @file Answers about what a run will need. */
import type { EstimateOptions } from '../../estimate/estimateRun';
import { estimateRun } from '../../estimate/estimateRun';
import { measureRun } from '../../estimate/measureRun';
import { QuickEstimates } from '../../estimate/quickEstimate';
import type { EstimateCalls, EstimateReport } from '../../protocol/calls/estimate';
import type { CallContext } from '../../protocol/channel';
import { readConfig } from '../../check/checkConfig';
import type { HandlersOf } from '../serve';

const quick = new QuickEstimates();

export const estimateHandlers: HandlersOf<EstimateCalls> = {
  'estimate/run': ({ config }, context) => estimate(config, context),
  'estimate/measure': ({ config: file }, context) => {
    const { signal, progress: onProgress } = context;
    return estimate(file, context, (run, batches) =>
      measureRun(run, batches, { file, overrides: [], signal, onProgress }),
    );
  },
  'config/estimate': ({ path, text }, { signal }) => quick.estimate(path, text, signal),
};

async function estimate(
  file: string,
  { signal, progress }: CallContext,
  measure?: EstimateOptions['measure'],
): Promise<EstimateReport> {
  const config = readConfig(file);
  return estimateRun(file, config, {
    signal,
    onProgress: progress,
    // What was counted is exact for the hints in the editor, too.
    onCounted: (counted) => quick.rememberShapes(config, counted),
    ...(measure && { measure }),
  });
}
