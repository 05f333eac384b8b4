/** @file Conversion of every method to plain LoRA: exact at full rank, the best error below, files, refusals, cancelling. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { DeltaWeights } from '../../../kernels/delta/deltaWeights';
import { formulaPlan } from '../../../kernels/delta/layerWeights';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { convert, type ConvertOptions } from '../../../kernels/merge/convert';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { ConvertReport } from '../../../kernels/protocol/types';
import { temporaryFolder } from '../../support/tinyModel';
import { type AdapterOnModel, mergedOnLayers, trainedAdapter } from '../../support/trainedAdapter';

interface Converted {
  readonly report: ConvertReport;
  readonly base: string;
  readonly adapter: string;
  readonly out: string;
}

async function converted(from: AdapterOnModel, options: Partial<ConvertOptions> = {}): Promise<Converted> {
  const folders = { ...trainedAdapter(from), out: path.join(temporaryFolder(), 'lora') };
  const report = await convert({ ...folders, wanted: { rank: 64 }, dtype: 'f32', ...options });
  return { ...folders, report };
}

/** Singular values of every layer's delta weight, by module. */
async function spectra(base: string, adapter: string): Promise<ReadonlyMap<string, Float64Array>> {
  const model = openBaseModel(base);
  const { plan, parameters } = loadAdapter(adapter, model);
  const deltas = new DeltaWeights(formulaPlan(plan), parameters, (site) => model.checkpoint.readF32(site.weight));
  const found = new Map<string, Float64Array>();
  for (const layer of plan.layers) found.set(layer.site.path, await deltas.spectrum(layer));
  await deltas.dispose();
  model.checkpoint.close();
  return found;
}

const readConfig = (dir: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;

const exact = mergedOnLayers.map((m) => m.id);

describe.each(exact)('%s as LoRA', (method) => {
  it('is exact at full rank', async () => {
    const { report } = await converted({ method });
    for (const { error, energy } of report.modules) {
      expect(error).toBeLessThan(1e-5);
      expect(energy).toBeCloseTo(1, 12);
    }
    expect(report.maxAbsLogitDifference).toBeLessThan(2e-5 * (1 + report.maxAbsLogit));
    expect(report.maxAbsLogit).toBeGreaterThan(0.1);
  });

  it('misses the tail of the singular values below that, module by module', async () => {
    const { report, base, adapter } = await converted({ method }, { wanted: { rank: 2 } });
    const values = await spectra(base, adapter);
    for (const { module, error, energy, norm, rank } of report.modules) {
      const all = values.get(module)!;
      const total = Math.hypot(...all);
      expect(rank).toBeLessThanOrEqual(2);
      expect(norm / total).toBeCloseTo(1, 5);
      expect(Math.abs(error - Math.hypot(...all.slice(2)) / total)).toBeLessThan(1e-5);
      expect(Math.abs(energy - Math.hypot(...all.slice(0, 2)) ** 2 / total ** 2)).toBeLessThan(1e-5);
    }
    expect(report.rank).toBe(2);
  });

  it('keeps the share of energy that is asked for with the fewest values', async () => {
    const { report, base, adapter, out } = await converted({ method }, { wanted: { energy: 0.9 } });
    const values = await spectra(base, adapter);
    for (const { module, error, rank } of report.modules) {
      const all = values.get(module)!;
      const total = Math.hypot(...all) ** 2;
      expect(Math.hypot(...all.slice(0, rank)) ** 2).toBeGreaterThanOrEqual(0.9 * total * (1 - 1e-6));
      expect(Math.hypot(...all.slice(0, rank - 1)) ** 2).toBeLessThan(0.9 * total * (1 + 1e-6));
      expect(error ** 2).toBeLessThan(0.1 + 1e-5);
    }
    const { rank_pattern: ranks, alpha_pattern: alphas, r, lora_alpha: alpha } = readConfig(out);
    expect([r, alpha]).toEqual([report.rank, report.rank]);
    expect(alphas).toEqual(ranks);
    const others = report.modules.filter(({ rank }) => rank !== report.rank).map(({ module, rank }) => [module, rank]);
    expect(ranks).toEqual(Object.fromEntries(others));
    expect(report.hasPatterns).toBe(others.length > 0);
  });
});

describe('the converted folder', () => {
  it('is plain LoRA with one rank, scaling 1, and what the adapter trained in full', async () => {
    const model = { config: { attention_bias: true, tie_word_embeddings: true } };
    const config = {
      use_rslora: true,
      bias: 'all',
      modules_to_save: ['lm_head', 'norm'],
      target_modules: ['q_proj', 'v_proj'],
    };
    const { report, base, adapter, out } = await converted({ model, method: 'dora', config });
    const written = readConfig(out);
    expect(written).toMatchObject({
      peft_type: 'LORA',
      use_dora: false,
      use_rslora: false,
      r: report.rank,
      lora_alpha: report.rank,
      rank_pattern: {},
      target_modules: ['q_proj', 'v_proj'],
      modules_to_save: ['lm_head', 'norm'],
      bias: 'all',
    });
    expect(readdirSync(out).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    expect(report.carried).toContain('lm_head.weight');
    const opened = openBaseModel(base);
    const [before, after] = [loadAdapter(adapter, opened), loadAdapter(out, opened)];
    for (const key of report.carried) expect(after.parameters.get(key)).toEqual(before.parameters.get(key));
    opened.checkpoint.close();
  });

  it('holds the bias beside the second factor, scaled, where the adapter trains one', async () => {
    const model = { config: { attention_bias: true } };
    const config = { lora_bias: true, r: 2, lora_alpha: 7, target_modules: ['q_proj', 'v_proj'] };
    const { report, out, base, adapter } = await converted({ model, config });
    expect(readConfig(out)).toMatchObject({ lora_bias: true, r: 2, lora_alpha: 2 });
    const opened = openBaseModel(base);
    const key = 'model.layers.1.self_attn.q_proj.lora_B.bias';
    const [before, after] = [adapter, out].map((dir) => loadAdapter(dir, opened).parameters.get(key)!);
    after!.forEach((value, i) => expect(value).toBeCloseTo(3.5 * before![i]!, 6));
    opened.checkpoint.close();
    expect(report.maxAbsLogitDifference).toBeLessThan(2e-5 * (1 + report.maxAbsLogit));
  });

  it.each([
    ['f16', 'F16', 2e-3],
    ['bf16', 'BF16', 2e-2],
  ] as const)('holds %s when asked, and the error is that of the rounded factors', async (dtype, stored, most) => {
    const { report, out } = await converted({ method: 'mora' }, { dtype });
    const file = openSafetensors(path.join(out, 'adapter_model.safetensors'));
    expect(new Set([...file.tensors.values()].map((t) => t.dtype))).toEqual(new Set([stored]));
    file.close();
    for (const { error } of report.modules) {
      expect(error).toBeGreaterThan(1e-6);
      expect(error).toBeLessThan(most);
    }
  });

  it('of an adapter that changes nothing has rank 1 and changes nothing', async () => {
    const { report } = await converted({ method: 'mora', change: 0 }, { wanted: { energy: 0.99 } });
    for (const module of report.modules) expect(module).toMatchObject({ rank: 1, norm: 0, error: 0, energy: 1 });
    expect(report.maxAbsLogitDifference).toBe(0);
  });

  it.each(['lora', 'dora', 'mora'])('of a run with restarts holds what all cycles of %s added', async (method) => {
    const { report, out, base } = await converted({ method, cycles: 2 });
    for (const { error, rank } of report.modules) {
      expect(error).toBeLessThan(1e-5);
      expect(rank).toBeGreaterThan(3);
    }
    expect(report.maxAbsLogitDifference).toBeLessThan(2e-5 * (1 + report.maxAbsLogit));
    const model = openBaseModel(base);
    expect(loadAdapter(out, model).restarts).toBeNull();
    model.checkpoint.close();
  });

  it('names why an update has no weight of its own, and shows what that costs', async () => {
    const { report } = await converted({ method: 'reslora', config: { variant: 'is' } });
    expect(report.approximation).toMatch(/no single weight does the same/);
    expect(report.maxAbsLogitDifference).toBeGreaterThan(1e-4);
  });
});

describe('refused and stopped', () => {
  it.each([
    [{ rank: 0 }, /rank 0; expected a whole number from 1/],
    [{ rank: 1.5 }, /rank 1\.5; expected a whole number from 1/],
    [{ energy: 0 }, /energy 0; expected a share above 0 and up to 1/],
    [{ energy: 1.2 }, /energy 1\.2; expected a share above 0 and up to 1/],
  ])('%j is refused before anything is written', async (wanted, message) => {
    const out = path.join(temporaryFolder(), 'lora');
    await expect(convert({ ...trainedAdapter({}), out, wanted, dtype: 'f32' })).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });

  it('a folder with something in it, or inside one that is read, is refused', async () => {
    const folders = trainedAdapter({});
    const out = temporaryFolder();
    writeFileSync(path.join(out, 'notes.txt'), 'mine');
    const into = (folder: string): Promise<ConvertReport> =>
      convert({ ...folders, out: folder, wanted: { rank: 2 }, dtype: 'f32' });
    await expect(into(out)).rejects.toThrow(/there is something already/);
    expect(readdirSync(out)).toEqual(['notes.txt']);
    await expect(into(path.join(folders.adapter, 'lora'))).rejects.toThrow(/lies inside/);
  });

  it('when cancelled nothing is left', async () => {
    const parent = temporaryFolder();
    mkdirSync(parent, { recursive: true });
    const stop = new AbortController();
    const work = convert({
      ...trainedAdapter({ method: 'dora' }),
      out: path.join(parent, 'lora'),
      wanted: { rank: 2 },
      dtype: 'f32',
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    const error = await work.catch((reason: unknown) => reason);
    expect(KernelError.is(error) && error.code).toBe('cancelled');
    expect(readdirSync(parent)).toEqual([]);
  });
});
