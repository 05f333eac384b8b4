/** @file An estimate as text for a terminal. */
import type {
  DataEstimate,
  DiskEstimate,
  EstimateGap,
  EstimateMeasurement,
  EstimateReport,
  MemoryParts,
  ShapeUse,
} from '../../protocol/calls/estimate';
import { formatBytes } from '../../util/formatBytes';
import { table } from './command';

const PARTS: Readonly<Record<keyof MemoryParts, string>> = {
  weights: 'base weights (mapped from their files, can be dropped)',
  mappings: 'the same weights in further compiled graphs (counted by system tools only)',
  adapter: 'adapter',
  activity: 'the adapter as it started, to tell whether the method is active',
  optimiser: 'optimiser state',
  gradients: 'gradients',
  activations: 'activations',
  workspace: 'graph workspace',
  graphs: 'compiled graphs',
  runtime: 'engine, tokenizer, sample table',
};

const GAPS: Readonly<Record<EstimateGap, string>> = {
  'gpu-memory': 'how much memory the GPU has free and what its driver adds',
  time: 'seconds and tokens per second: nothing was measured',
  system: 'the fixed part of the memory on this system: it was measured on Linux',
  'early-stopping': 'when early stopping will end the run; the time is that of all steps',
  'counted-steps': 'the batches of the later steps: the run is very long, its first steps were counted',
};

const VERDICTS = { fits: 'fits', tight: 'fits only just', exceeds: 'does NOT fit' } as const;

/** Most shapes that are listed; the others are counted. */
const MOST_SHAPES = 8;

export function estimateText(report: EstimateReport): string {
  const { memory, machine, verdict, advice, device, parameters, data, disk, unknown, warnings, measurement } = report;
  const share = Number(((100 * parameters.trainable) / parameters.base).toPrecision(2));
  const limit = machine.limitBytes === undefined ? '' : `, limited to ${formatBytes(machine.limitBytes)}`;
  return [
    `${VERDICTS[verdict]}: needs ${formatBytes(memory.neededBytes)}, ${formatBytes(machine.freeBytes)} of ${formatBytes(machine.totalBytes)} are free${limit}`,
    ...advice.map((a) => `  with ${a.key}: ${a.to} (now ${a.from}) it needs ${formatBytes(a.neededBytes)} and fits`),
    ...(verdict === 'exceeds' && advice.length === 0 ? ['  no smaller batch or shorter sample makes it fit'] : []),
    ...(disk.fits
      ? []
      : [`does NOT fit on the disk: writes up to ${formatBytes(disk.bytes)}${diskFree(disk)}; ${LESS_DISK}`]),
    ...(measurement ? [timeLine(measurement)] : []),
    '',
    `device       ${device.device}, ${device.threads} threads (${device.reason})`,
    `parameters   ${parameters.trainable.toLocaleString('en')} trained, ${share} % of ${parameters.base.toLocaleString('en')}`,
    '',
    table([
      ['memory', ''],
      ...Object.entries(PARTS)
        .map(([key, label]) => [label, memory.parts[key as keyof MemoryParts]] as const)
        .filter(([, bytes]) => bytes > 0)
        .map(([label, bytes]) => [`  ${label}`, formatBytes(bytes)]),
      ['  peak as system tools show it', formatBytes(memory.peakBytes)],
      ...(measurement?.peakBytes === undefined
        ? []
        : [['  measured in the warm-up, its graphs only', formatBytes(measurement.peakBytes)]]),
      ...(memory.deviceBytes === undefined ? [] : [['  on the device', formatBytes(memory.deviceBytes)]]),
    ]),
    '',
    table([
      ['data', ''],
      [
        '  samples',
        `${data.samples} (${data.format})${data.evaluationSamples > 0 ? `, ${data.evaluationSamples} for evaluation` : ''}`,
      ],
      ...Object.entries(data.skipped).map(([reason, count]) => ['  skipped', `${count}: ${reason}`]),
      ...(data.cut > 0 ? [['  cut at max_length', String(data.cut)]] : []),
      ['  longest', `${data.longest.tokens} tokens (${data.longest.file}:${data.longest.line})`],
      [
        '  tokens per step',
        `${data.tokensPerStep.mean.toFixed(0)} on average, ${data.tokensPerStep.max} at most; ${learntText(data)}`,
      ],
      ['  padding', `${(100 * data.padding).toFixed(0)} % of what is computed`],
      [
        '  steps',
        `${data.totalSteps}, ${data.stepsPerEpoch} per epoch, ${data.epochs.toFixed(data.epochs % 1 === 0 ? 0 : 2)} epochs`,
      ],
      ['  evaluations', String(data.evaluations)],
    ]),
    '',
    table([
      ['disk', ''],
      ['  a checkpoint', formatBytes(disk.checkpointBytes)],
      ['  checkpoints', `${disk.checkpoints} at most`],
      ['  in all', `${formatBytes(disk.bytes)} at most${diskFree(disk)}`],
    ]),
    '',
    table([
      ['graphs', 'batches', ...(measurement ? ['s/batch'] : [])],
      ...data.shapes
        .slice(0, MOST_SHAPES)
        .map((s) => [
          `  ${shapeText(s, data)}`,
          String(s.batches),
          ...(measurement ? [secondsOf(measurement, s)] : []),
        ]),
      ...(data.shapes.length > MOST_SHAPES ? [[`  and ${data.shapes.length - MOST_SHAPES} more`]] : []),
    ]),
    `  ${data.shapes.length} shapes, compiled ${data.compilations} times in all`,
    ...(unknown.length > 0 ? ['', 'not known:', ...unknown.map((gap) => `  ${GAPS[gap]}`)] : []),
    ...(warnings.length > 0 ? ['', 'notes:', ...warnings.map((text) => `  ${text}`)] : []),
  ].join('\n');
}

const LESS_DISK = 'write training.save_total_limit, a larger training.save_steps, or another output';

const diskFree = ({ freeBytes, folder }: DiskEstimate): string =>
  freeBytes === undefined ? '' : `, ${formatBytes(freeBytes)} free on the disk of ${folder}`;

function timeLine({ secondsPerStep, tokensPerSecond, eta }: EstimateMeasurement): string {
  const parts = [
    ['training', eta.training],
    ['evaluation', eta.evaluation],
    ['samples', eta.samples],
    ['compiling', eta.compiling],
    ['checkpoints', eta.checkpoints],
  ] as const;
  const shown = parts.filter(([, s]) => s >= 0.5).map(([name, s]) => `${name} ${duration(s)}`);
  const made = shown.length > 0 ? ` (${shown.join(', ')})` : '';
  return `takes ${duration(eta.seconds)}${made}: ${secondsPerStep.toPrecision(3)} s per step, ${tokensPerSecond.toFixed(0)} tokens/s`;
}

/** Of texts with labels each carries loss once, which says nothing about a shape. */
function shapeText({ kind, batch, length, rows }: ShapeUse, { learnt }: DataEstimate): string {
  const shape = `${kind === 'train' ? 'train' : 'eval '} ${batch} × ${length} tokens`;
  return learnt === 'labels' ? shape : `${shape}, ${rows} with loss`;
}

function secondsOf({ shapes }: EstimateMeasurement, wanted: ShapeUse): string {
  const found = shapes.find(
    (s) => s.kind === wanted.kind && s.batch === wanted.batch && s.length === wanted.length && s.rows === wanted.rows,
  );
  return found ? found.seconds.toPrecision(3) : '';
}

/** `75 s`, `12 min`, `3 h 20 min`. */
function duration(seconds: number): string {
  if (seconds < 100) return `${seconds.toPrecision(2)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What of a step is learnt: tokens, or one label for each text. */
const learntText = ({ supervisedPerStep: count, learnt }: DataEstimate): string =>
  `${count.toFixed(0)} ${learnt === 'labels' ? 'labels' : 'carry loss'}`;
