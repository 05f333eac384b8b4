/** @file Methods in the real workbench: chosen in the form, refused there where they make no sense together, trained, and shown to be active. */
import { expect, test } from '@playwright/test';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeTinyCheckpoint } from '../support/tinyCheckpoint';
import { TINY_VOCABULARY, tinyTokenizerFiles } from '../support/tinyTokenizer';
import { dashboard, endRuns } from './runPages';
import { builtVsix, frameWith, ofExtension, openFile, runCommand, sharedWindow, showView } from './workbench';

const STEPS = 8;

/** A configuration that chooses nothing of a method, so that every method can be put into it. */
const text = (adapter: string, training = '', more = '', model = './base'): string => `version: 1
model: ${model}
data:
  train: train.jsonl
  max_length: 64
adapter:
  method: ${adapter}
training:
  learning_rate: 2.0e-3
  lr_scheduler_type: constant
  warmup_steps: 0
  max_steps: ${STEPS}
  per_device_train_batch_size: 4
${training}${more}output: runs
`;

/** Some keys of the section that a method has, and some of other methods. */
const FIELDS: Readonly<Record<string, { readonly own: readonly string[]; readonly others: readonly string[] }>> = {
  lora: { own: ['r', 'lora_alpha', 'init_lora_weights', 'lora_bias'], others: ['mora_type', 'variant', 'd_initial'] },
  dora: { own: ['r', 'lora_alpha', 'magnitude_only', 'target_modules'], others: ['mora_type', 'variant', 'd_initial'] },
  mora: { own: ['r', 'mora_type', 'target_modules'], others: ['lora_alpha', 'magnitude_only', 'variant'] },
  reslora: { own: ['r', 'variant', 'pre_num', 'target_modules'], others: ['mora_type', 'frozen', 'd_initial'] },
  asylora: { own: ['r', 'frozen', 'target_modules'], others: ['mora_type', 'variant', 'd_initial'] },
  vera: { own: ['r', 'd_initial', 'target_modules'], others: ['lora_alpha', 'mora_type', 'variant'] },
  dvora: { own: ['r', 'd_initial', 'target_modules'], others: ['lora_alpha', 'mora_type', 'magnitude_only'] },
  full: { own: ['method'], others: ['r', 'lora_alpha', 'target_modules', 'num_layers'] },
  last_layers: { own: ['num_layers'], others: ['r', 'lora_alpha', 'target_modules'] },
  bitfit: { own: ['method'], others: ['r', 'lora_alpha', 'target_modules', 'num_layers'] },
};

/** Combinations that make no sense: the key that the form explains them at, and a part of the reason. */
const REFUSED: readonly (readonly [name: string, content: string, key: string, reason: RegExp])[] = [
  ['LoRA+ with MoRA', text('mora\n  r: 4', '  loraplus_lr_ratio: 8\n'), 'training.loraplus_lr_ratio', /MoRA/],
  [
    'ReLoRA with ResLoRA is',
    text('reslora\n  r: 4\n  variant: is', '', 'relora:\n  every: 4\n'),
    'relora.every',
    /merge/,
  ],
];

/** One run of each method, and figures that its panel must have. */
const TRAINED: readonly (readonly [name: string, content: string, figures: readonly string[]])[] = [
  ['lora', text('lora\n  r: 4'), ['Largest rank of ΔW', 'Scaling of B·A']],
  [
    'dora',
    text('dora\n  r: 4', '  loraplus_lr_ratio: 8\n'),
    ['Smallest mean drift of the magnitudes', 'Learning rate that reached B'],
  ],
  ['mora', text('mora\n  r: 4'), ['Smallest norm of M', 'Smallest rank of ΔW']],
  ['relora', restarted('lora\n  r: 4'), ['Restarts so far', 'that a restart set to zero']],
  ['remora', restarted('mora\n  r: 4\n  mora_type: 1'), ['Restarts so far', 'Smallest norm of M']],
  ['reslora', text('reslora\n  r: 4\n  variant: is'), ['that arrives through shortcuts']],
  ['asylora', text('asylora\n  r: 4'), ['Largest change in the frozen factor']],
  ['vera', text('vera\n  r: 32'), ['Largest change in the shared projections']],
  [
    'dvora',
    text('dvora\n  r: 32'),
    ['Smallest mean drift of the magnitudes', 'Largest change in the shared projections'],
  ],
  ['full', text('full'), ['Trained tensors that have changed']],
  ['last_layers', text('last_layers\n  num_layers: 1'), ['Trained tensors that have changed']],
  ['bitfit', text('bitfit', '', '', './biased'), ['Trained tensors that have changed']],
];

function restarted(adapter: string): string {
  const plain = text(adapter, '', 'relora:\n  every: 4\n  restart_warmup_steps: 1\n');
  return plain.replace('type: constant', 'type: cosine_restarts');
}

function fill(workspace: string): void {
  cpSync('media/sample', workspace, { recursive: true });
  for (const name of readdirSync(workspace).filter((file) => file.endsWith('.adapter.yaml')))
    rmSync(path.join(workspace, name));
  // BitFit needs a base with biases.
  mkdirSync(path.join(workspace, 'biased'));
  const config = { attention_bias: true, vocab_size: TINY_VOCABULARY, eos_token_id: 256, max_position_embeddings: 96 };
  writeTinyCheckpoint(path.join(workspace, 'biased'), { config, files: tinyTokenizerFiles() });
  writeFileSync(path.join(workspace, 'choose.adapter.yaml'), text('lora'));
  for (const [name, content] of TRAINED) writeFileSync(path.join(workspace, `run-${name}.adapter.yaml`), content);
}

const settings = { 'files.autoSave': 'off', 'workbench.colorTheme': 'Default Dark Modern' };
const window = sharedWindow(() => ({ workspace: fill, vsix: builtVsix(), settings }));

test('methods are chosen and refused in the form', async ({}, info) => {
  test.setTimeout(300_000);
  const { host, page, errors } = window;
  const config = path.join(host.workspace, 'choose.adapter.yaml');
  await openFile(page, 'choose.adapter.yaml');
  await showView(page, 'Adapter Studio');
  const form = await frameWith(page, 'as-config-form');
  const field = (key: string) => form.locator(`[data-key="${key}"]`);

  for (const [method, { own, others }] of Object.entries(FIELDS)) {
    await test.step(`the form of ${method} has its own fields alone`, async () => {
      await field('adapter.method').locator('select').selectOption({ label: method }, { timeout: 60_000 });
      // Some stand in groups that are closed.
      for (const key of own) await expect(field(`adapter.${key}`)).toBeAttached();
      for (const key of others) await expect(field(`adapter.${key}`)).toHaveCount(0);
    });
  }
  await page.screenshot({ path: info.outputPath('form-full-dark.png') });
  await runCommand(page, 'File: Revert File');

  for (const [name, content, key, reason] of REFUSED) {
    await test.step(`${name} is explained before Train`, async () => {
      writeFileSync(config, content);
      await expect(field(key).locator('.problem.error')).toContainText(reason, { timeout: 60_000 });
      await expect(form.locator('vscode-button.train')).toHaveAttribute('aria-disabled', 'true');
      await field(key).scrollIntoViewIfNeeded();
      await page.screenshot({ path: info.outputPath(`refused-${key.split('.')[0]}-dark.png`) });
    });
  }

  expect(ofExtension(errors)).toEqual([]);
});

test('each method is trained and shown to be active', async ({}, info) => {
  test.setTimeout(900_000);
  const { host, page, errors } = window;
  try {
    for (const [name, , figures] of TRAINED) {
      await test.step(`${name} is trained, and is active`, async () => {
        // The view that is open is closed by its icon.
        await runCommand(page, 'File: Focus on Files Explorer');
        await openFile(page, `run-${name}.adapter.yaml`);
        await runCommand(page, 'Adapter Studio: Train');
        const run = await dashboard(page, `run-${name}`);
        await expect(run.locator('as-run-header .status')).toContainText('Finished', { timeout: 120_000 });
        const activity = run.locator('as-activity-section');
        await expect(activity.locator('.activity-verdict')).toContainText('The method is active');
        await expect(activity).toContainText(`Measured at step ${STEPS}.`);
        await expect(activity.locator('tr[data-verdict="red"], tr[data-verdict="pending"]')).toHaveCount(0);
        for (const figure of figures) await expect(activity.locator('tbody')).toContainText(figure);
        await showView(page, 'Adapter Studio');
        await activity.scrollIntoViewIfNeeded();
        await page.screenshot({ path: info.outputPath(`activity-${name}-dark.png`) });
      });
    }

    // Pages open in a column that is there.
    await expect(page.locator('.editor-group-container')).toHaveCount(2);
    await test.step('a run whose figures are red says so in its row', async () => {
      breakActivity(path.join(host.workspace, 'runs'));
      await runCommand(page, 'Adapter Studio: Refresh');
      const row = page.locator('.monaco-list-row').filter({ hasText: /^run-bitfit.*not active/ });
      await expect(row).toHaveAttribute('aria-label', /rules that are not met/, { timeout: 60_000 });
      await runCommand(page, 'Preferences: Toggle between Light/Dark Themes');
      await page.screenshot({ path: info.outputPath('activity-light.png') });
    });
    expect(ofExtension(errors)).toEqual([]);
  } finally {
    endRuns(path.join(host.workspace, 'runs'));
  }
});

/** Turns the first figure of the last record of the latest run red, as a broken build would. */
function breakActivity(runs: string): void {
  const run = readdirSync(runs).find((name) => name.startsWith('run-bitfit'))!;
  const file = path.join(runs, run, 'activity.jsonl');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const last = JSON.parse(lines.at(-1)!) as { verdict: string; figures: { verdict: string }[] };
  last.verdict = 'red';
  last.figures[0]!.verdict = 'red';
  writeFileSync(file, [...lines.slice(0, -1), JSON.stringify(last), ''].join('\n'));
}
