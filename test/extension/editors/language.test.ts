/** @file The editor's language features over a configuration, with the engine in the same process: what a person gets to see. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as vscode from 'vscode';
import { ConfigChecks } from '../../../extension/editors/configChecks';
import { ConfigCompletion } from '../../../extension/editors/configCompletion';
import { ConfigDiagnostics } from '../../../extension/editors/configDiagnostics';
import { ConfigFigures } from '../../../extension/editors/configFigures';
import { ConfigFixes } from '../../../extension/editors/configFixes';
import { ConfigHints } from '../../../extension/editors/configHints';
import { ConfigHovers } from '../../../extension/editors/configHover';
import { DataChecks } from '../../../extension/editors/dataChecks';
import { DataDiagnostics } from '../../../extension/editors/dataDiagnostics';
import { DataLens } from '../../../extension/editors/dataLens';
import { hoverMarkdown } from '../../../extension/editors/hoverText';
import type { ConfigHover } from '../../../kernels/protocol/calls/config';
import type { KernelHost } from '../../../extension/kernel/kernelHost';
import { configHandlers } from '../../../kernels/server/handlers/config';
import { dataHandlers } from '../../../kernels/server/handlers/data';
import { estimateHandlers } from '../../../kernels/server/handlers/estimate';
import { silentLog as log } from '../../support/silentLog';
import { trainingFixture } from '../../support/trainingFixture';
import {
  state,
  Uri,
  type CodeLens,
  type Diagnostic,
  type FakeDocument,
  type WorkspaceEdit,
} from '../../support/vscodeStub';

const fixture = trainingFixture();
const uri = Uri.file(path.join(fixture.folder, 'x.adapter.yaml'));
const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => {} }) };
const nowhere = mkdtempSync(path.join(realpathSync(tmpdir()), 'language-'));
afterAll(() => rmSync(nowhere, { recursive: true }));

/** The engine's own answers, without a process in between. */
const handlers = { ...configHandlers, ...dataHandlers, ...estimateHandlers } as Record<
  string,
  (p: object, c: object) => unknown
>;
const calls: string[] = [];
const kernel = {
  call: async (method: string, params: object, { signal = new AbortController().signal } = {}) => {
    calls.push(method);
    return handlers[method]!(params, { signal, progress: () => {} });
  },
} as unknown as Pick<KernelHost, 'call'>;

const config = (adapter = '', training = '') =>
  `version: 1\nmodel: ${fixture.model}\ndata:\n  train: train.jsonl\n  eval: eval.jsonl\n  max_length: 64\nadapter:\n  method: lora\n  r: 4\n${adapter}training:\n  max_steps: 14\n  per_device_train_batch_size: 3\n${training}`;

beforeEach(() => {
  state.reset();
  calls.length = 0;
});

/** A document and the cursor that `|` marks. */
function open(marked: string): { document: FakeDocument & vscode.TextDocument; position: vscode.Position } {
  const offset = marked.indexOf('|');
  const text = offset < 0 ? marked : marked.slice(0, offset) + marked.slice(offset + 1);
  const document = state.open(uri, text) as FakeDocument & vscode.TextDocument;
  return { document, position: document.positionAt(Math.max(0, offset)) as vscode.Position };
}

describe('completion', () => {
  const completion = new ConfigCompletion({ kernel, log, models: { list: async () => [] } });

  it('keeps the order of the engine, replaces the word, and shows what a key means', async () => {
    const { document, position } = open(config('  targ|\n'));
    const items = await completion.provideCompletionItems(document, position, token);
    const item = items.find(({ insertText }) => insertText === 'target_modules: ')!;
    expect(items.map(({ sortText }) => sortText)).toEqual([...items.map(({ sortText }) => sortText)].sort());
    expect(item.label).toMatchObject({ label: 'target_modules' });
    expect((item.documentation as vscode.MarkdownString).value).toContain('Default: `all-linear`');
    expect(item.command?.command).toBe('editor.action.triggerSuggest');
    expect(item.range).toMatchObject({
      inserting: { start: { line: 9, character: 2 }, end: { line: 9, character: 6 } },
    });
  });

  it('has no items, and no message, when the engine fails', async () => {
    const broken = { call: () => Promise.reject(new Error('gone')) } as unknown as Pick<KernelHost, 'call'>;
    const { document, position } = open('|');
    const silent = new ConfigCompletion({
      kernel: broken,
      log,
      models: { list: () => Promise.reject(new Error('gone')) },
    });
    expect(await silent.provideCompletionItems(document, position, token)).toEqual([]);
    expect(state.messages).toEqual([]);
  });
});

describe('a hover', () => {
  const hovers = new ConfigHovers({ kernel, log });
  const textOf = async (marked: string) => {
    const { document, position } = open(marked);
    const found = await hovers.provideHover(document, position, token);
    return (found?.contents as vscode.MarkdownString[] | undefined)?.map(({ value }) => value).join('\n\n');
  };

  it('says what a key is and what a name matches', async () => {
    expect(await textOf(config('', '  war|mup_steps: 2\n'))).toMatch(
      /\*\*Warm-up\*\* — `training.warmup_steps`[^]*Takes an integer from 0 to 10000000 in steps\.[^]*Default: `0`/,
    );
    const module = await textOf(config('  target_modules: [q_|proj]\n'));
    expect(module).toContain('**`q_proj`** — 2 layers · [24, 16] · rank 4');
    expect(module).toContain('320 trainable parameters, 100 % of all');
    expect(module).toContain('Matches 2 of 14 linear layers: `model.layers.0.self_attn.q_proj`');
  });

  it('shows spectra as an image that needs nothing from elsewhere', () => {
    const update = { norm: 2, stableRank: 1.5, effectiveRank: 1.8, singularValues: [1, 0.1, 1e-9] };
    const found: ConfigHover = {
      span: { start: 0, end: 1 },
      module: {
        name: 'q_proj',
        modules: 2,
        updates: [
          { module: 'a', ...update },
          { module: 'b', ...update, norm: 3 },
        ],
        adapter: { path: '/w/runs/x-1/checkpoints/step-40', step: 40 },
      },
    };
    const [markdown] = hoverMarkdown(found, { line: '#0f0', text: '#fff', grid: '#888' });
    expect(markdown!.supportHtml).toBe(true);
    expect(markdown!.value).toContain('Update ΔW at step 40 in `…/x-1/checkpoints/step-40`');
    expect(markdown!.value).toContain('‖ΔW‖ 2 … 3 · stable rank 1.5 · effective rank 1.8');
    const svg = Buffer.from(/base64,([^"]+)"/.exec(markdown!.value)![1]!, 'base64').toString('utf8');
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity|href/);
  });
});

describe('problems', () => {
  it('have fixes that fit the text, each as one edit', async () => {
    const checks = new ConfigChecks(kernel, log);
    const shown = new ConfigDiagnostics(checks);
    const { document } = open(config('  targt_modules: all-linear # mine\n'));
    state.opened.fire(document);
    await vi.waitFor(() => expect(checks.get(document.uri)).toBeDefined());
    const diagnostics = state.diagnostics.get(uri.toString()) as unknown as Diagnostic[];
    const actions = new ConfigFixes(checks).provideCodeActions(
      document,
      diagnostics[0]!.range as never,
      { diagnostics } as never,
    );
    expect(actions.map(({ title, isPreferred }) => [title, isPreferred])).toEqual([
      ['Change to target_modules', true],
      ['Remove targt_modules', false],
    ]);
    const { replacements } = actions[0]!.edit as unknown as WorkspaceEdit;
    const before = document.getText();
    const after = replacements.reduce((whole, { range, text }) => {
      const [from, to] = [document.offsetAt(range.start as never), document.offsetAt(range.end as never)];
      return whole.slice(0, from) + text + whole.slice(to);
    }, before);
    expect(after).toBe(config('  target_modules: all-linear # mine\n'));
    document.write(before.replace('targt_modules: all-linear # mine', ''));
    expect(
      new ConfigFixes(checks).provideCodeActions(document, diagnostics[0]!.range as never, { diagnostics } as never),
    ).toEqual([]);
    [checks, shown].forEach((part) => part.dispose());
  });
});

describe('figures and data', () => {
  it('come with the checks: parameters at once, samples and steps when the data was read, memory when it was estimated', async () => {
    const checks = new ConfigChecks(kernel, log);
    const data = new DataChecks(kernel, { list: async () => [] }, checks, log);
    const figures = new ConfigFigures({ kernel, log }, checks, data);
    const hints = new ConfigHints({ kernel, log }, figures);
    const { document } = open(config());
    const whole = { start: { line: 0 }, end: { line: 99 } } as vscode.Range;
    const labels = async () =>
      (await hints.provideInlayHints(document, whole, token)).map(({ label }) => label as string);
    expect(await labels()).toEqual([expect.stringMatching(/^2 k trainable, \d+ % of the base$/), '3 samples a step']);
    state.opened.fire(document);
    await vi.waitFor(async () => {
      const all = (await labels()).join('\n');
      expect(all).toContain('41 samples, 6 for evaluation');
      expect(all).toContain('14 steps, 14 an epoch');
      expect(all).toMatch(/up to [\d.]+ MB at the peak/);
    }, 10_000);
    expect(figures.texts(document.uri)).toMatchObject({
      'adapter.target_modules': '14 of 14 linear layers',
      'data.train': '41 samples, 6 for evaluation',
    });
    [checks, data, figures, hints].forEach((part) => part.dispose());
  });

  it('of a data file that is open are shown though its configuration is not', async () => {
    const folder = path.join(nowhere, 'd');
    mkdirSync(folder);
    const [configFile, dataFile] = [path.join(folder, 'y.adapter.yaml'), path.join(folder, 'data.jsonl')];
    writeFileSync(dataFile, '{"text":"a b"}\n{"text":"a b"}\n{"tex":1}\n');
    const text = `version: 1\nmodel: ${fixture.model}\ndata:\n  train: data.jsonl\n  max_length: 64\nadapter:\n  method: lora\n`;
    writeFileSync(configFile, text);
    state.open(Uri.file(configFile), text);
    const checks = {
      get: () => undefined,
      onDidCheck: () => ({ dispose: () => {} }),
      onDidForget: () => ({ dispose: () => {} }),
    };
    const files = { list: async () => [Uri.file(configFile)] as unknown as readonly vscode.Uri[] };
    const data = new DataChecks(kernel, files, checks, log);
    const [diagnostics, lens] = [new DataDiagnostics(data), new DataLens(data)];
    const document = state.open(Uri.file(dataFile), '') as FakeDocument & vscode.TextDocument;
    state.opened.fire(document);
    await vi.waitFor(() => expect(data.uses(document.uri)).toHaveLength(1));
    const found = state.diagnostics.get(document.uri.toString()) as unknown as Diagnostic[];
    expect(found.map((d) => `${d.range.start.line} ${d.message}`)).toEqual([
      '1 the same sample as in line 1; expected each sample once; it counts twice in training',
      '2 text: found nothing; expected text',
    ]);
    const [line] = lens.provideCodeLenses(document) as unknown as CodeLens[];
    expect(line!.command!.title).toMatch(/^text · 2 samples · longest \d+ tokens · training data of y\.adapter\.yaml$/);
    [data, diagnostics, lens].forEach((part) => part.dispose());
  });
});
