/** @file Answers about what a run will need. */
import { estimateRun } from '../../estimate/estimateRun';
import { measureRun } from '../../estimate/measureRun';
import { QuickEstimates } from '../../estimate/quickEstimate';
import type { EstimateCalls } from '../../protocol/calls/estimate';
import { readConfig } from '../../trainer/prepare';
import type { HandlersOf } from '../serve';

const quick = new QuickEstimates();

export const estimateHandlers: HandlersOf<EstimateCalls> = {
  'estimate/run': async ({ config: file, measure }, { signal, progress }) => {
    const config = readConfig(file);
    return estimateRun(file, config, {
      signal,
      onProgress: progress,
      onCounted: (shapes, samples) => quick.rememberShapes(config, { shapes, samples }),
      ...(measure && {
        measure: (run, batches) => measureRun(run, batches, { file, overrides: [], signal, onProgress: progress }),
      }),
    });
  },
  'config/estimate': ({ path, text }, { signal }) => quick.estimate(path, text, signal),
};
