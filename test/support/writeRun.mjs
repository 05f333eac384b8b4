/**
 * @file A process that writes a run folder as a training run does, for tests of what follows one.
 *
 * `node writeRun.mjs FOLDER [--from N] [--to N] [--total N] [--interval MS] [--end finished|stopped|none] [--config FILE]`
 * makes the folder when it is not there and appends the records of steps FROM to TO. Starting at a later step is a resume:
 * records past it are removed first. `none` exits without a last state, as a killed run does. Numbers follow from the step
 * alone, so that two writers of the same steps write the same.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '20' },
    total: { type: 'string' },
    interval: { type: 'string', default: '0' },
    end: { type: 'string', default: 'finished' },
    config: { type: 'string', default: '/nowhere/fixture.adapter.yaml' },
  },
});
const folder = path.resolve(positionals[0]);
const from = Number(values.from);
const to = Number(values.to);
const total = Number(values.total ?? values.to);
const evalEvery = 10;
const rank = 8;
const layers = 4;
const modules = Array.from({ length: layers }, (_, layer) =>
  ['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((name) => `model.layers.${layer}.self_attn.${name}`),
).flat();

const file = (name) => path.join(folder, name);
const append = (name, record) => appendFileSync(file(name), `${JSON.stringify(record)}\n`);
const replace = (name, text) => {
  writeFileSync(`${file(name)}.tmp`, text);
  renameSync(`${file(name)}.tmp`, file(name));
};
const now = () => Date.now() / 1000;
/** In [0, 1), from the step alone. */
const noise = (step) => (Math.abs(Math.sin(step * 12.9898) * 43758.5453) * 1000) % 1;

function writeState(status, step) {
  const best = { step, loss: lossAt(step) };
  const state = { status, pid: process.pid, host: hostname(), heartbeat: now(), step, total_steps: total, best };
  replace('state.json', JSON.stringify(state));
}

function lossAt(step) {
  return 0.3 + 2.4 * Math.exp((-3 * step) / total) + 0.12 * noise(step);
}

function makeFolder() {
  mkdirSync(folder, { recursive: true });
  const info = {
    version: 1,
    name: 'fixture',
    created: now(),
    config_file: values.config,
    config: { model: '/nowhere/base', adapter: { method: 'lora', r: rank }, training: { learning_rate: 2e-4 } },
    versions: { 'adapter-studio': '0.1.0' },
    device: { provider: 'cpu', threads: 2, reason: 'the only one' },
    digests: {},
    parameters: { base: 5_000_000, trainable: 120_000 },
    total_steps: total,
    steps_per_epoch: 50,
  };
  writeFileSync(file('run.json'), JSON.stringify(info));
  writeFileSync(file('log.txt'), 'started\n');
  writeState('starting', 0);
  append('events.jsonl', { event: 'started', time: now(), step: 0 });
  append('metrics.jsonl', { kind: 'eval', step: 0, time: now(), loss: 2.9, tokens: 484 });
}

/** Removes the records past the checkpoint. */
function rewind(step) {
  for (const name of ['metrics.jsonl', 'spectra.jsonl']) {
    if (!existsSync(file(name))) continue;
    const lines = readFileSync(file(name), 'utf8').split('\n');
    replace(
      name,
      lines
        .filter((line) => line !== '' && JSON.parse(line).step <= step)
        .map((l) => `${l}\n`)
        .join(''),
    );
  }
  append('events.jsonl', { event: 'resumed', time: now(), step });
}

function writeStep(step) {
  append('metrics.jsonl', {
    kind: 'train',
    step,
    time: now(),
    epoch: step / 50,
    tokens: step * 800,
    loss: lossAt(step),
    learning_rate: { default: 2e-4 * (1 - step / total), bias: 1e-4 * (1 - step / total) },
    grad_norm: 0.5 + noise(step + 0.5),
    step_seconds: 0.2 + 0.02 * noise(step + 0.25),
    rss: 400e6 + step * 1e4,
  });
  if (step % evalEvery === 0 || step === total) writeEvaluation(step);
}

function writeEvaluation(step) {
  append('metrics.jsonl', { kind: 'eval', step, time: now(), loss: lossAt(step) + 0.05, tokens: 484 });
  modules.forEach((module, m) => {
    const scale = (1 - Math.exp(-step / 40)) * (0.4 + 0.08 * (m % 5));
    const singular_values = Array.from({ length: rank }, (_, i) => scale * Math.exp(-i / (1.5 + (m % 4))));
    const squares = singular_values.map((s) => s * s);
    const sum = squares.reduce((a, b) => a + b, 0);
    const entropy = squares.map((q) => q / sum).reduce((h, p) => h - (p > 0 ? p * Math.log(p) : 0), 0);
    append('spectra.jsonl', {
      step,
      module,
      singular_values,
      stable_rank: sum / squares[0],
      effective_rank: Math.exp(entropy),
      'above_0.1': singular_values.filter((s) => s > 0.1).length,
      above_relative: singular_values.filter((s) => s > 0.01 * singular_values[0]).length,
    });
  });
  append('events.jsonl', { event: 'eval', time: now(), step });
  const checkpoint = file(`checkpoints/step-${String(step).padStart(6, '0')}`);
  mkdirSync(checkpoint, { recursive: true });
  writeFileSync(path.join(checkpoint, 'adapter_config.json'), '{}');
  append('events.jsonl', { event: 'checkpoint', time: now(), step });
}

if (existsSync(file('run.json'))) rewind(from - 1);
else makeFolder();
for (let step = from; step <= to; step++) {
  writeStep(step);
  writeState('running', step);
  if (Number(values.interval) > 0) await new Promise((resolve) => setTimeout(resolve, Number(values.interval)));
}
if (values.end !== 'none') {
  if (values.end === 'finished') {
    mkdirSync(file('adapter'), { recursive: true });
    writeFileSync(file('adapter/adapter_config.json'), '{}');
  }
  append('events.jsonl', { event: values.end, time: now(), step: to });
  writeState(values.end, to);
}
