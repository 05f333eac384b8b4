/** @file What a merged folder says of its merges: only what is in there is taken out, and nothing is merged twice unasked. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAdapter, saveAdapter } from '../../../kernels/adapters/adapterFile';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { merge } from '../../../kernels/merge/merge';
import { historyFile, readHistory } from '../../../kernels/merge/mergeHistory';
import type { UnmergeOptions } from '../../../kernels/merge/unmerge';
import { unmerge } from '../../../kernels/merge/unmerge';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type { MergeReport, UnmergeReport } from '../../../kernels/protocol/types';
import { temporaryFolder } from '../../support/tinyModel';
import { mergedOnLayers, trainedAdapter } from '../../support/trainedAdapter';

const newFolder = (): string => path.join(temporaryFolder(), 'out');

const mergedInto = async (base: string, adapter: string, again = false): Promise<MergeReport> =>
  merge({ base, adapter, out: newFolder(), dtype: 'keep', again });

const takenOut = (
  merged: string,
  adapter: string,
  more: Pick<UnmergeOptions, 'base' | 'unverified'> = {},
): Promise<UnmergeReport> => unmerge({ merged, adapter, out: newFolder(), ...more });

/** An adapter for the same base with other values, as another training would have made it. */
function otherAdapter(base: string, adapter: string, name = 'other'): string {
  const dir = path.join(temporaryFolder(), name);
  const model = openBaseModel(base);
  const { plan, parameters } = loadAdapter(adapter, model);
  const values = new Map([...parameters].map(([key, data]) => [key, data.map((v) => 0.5 * v + 0.01)]));
  mkdirSync(dir);
  saveAdapter(dir, plan, values, { baseModelPath: base });
  model.checkpoint.close();
  return dir;
}

/** The adapter's files in a folder of their own, with other fields in its configuration. */
function copied(adapter: string, fields: Readonly<Record<string, unknown>>): string {
  const dir = path.join(temporaryFolder(), 'copy');
  cpSync(adapter, dir, { recursive: true });
  const file = path.join(dir, 'adapter_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, ...fields }));
  return dir;
}

const unconfirmed = (found: RegExp): unknown =>
  expect.objectContaining({ code: 'input/unconfirmed', message: expect.stringMatching(found) as string });
const refused = (found: RegExp): unknown =>
  expect.objectContaining({ code: 'input/refused', message: expect.stringMatching(found) as string });

describe.each(mergedOnLayers.filter((m) => m.unmergedWeight))('$label', ({ id }) => {
  const config = id === 'reslora' ? { variant: 'is', merge: 'weight' } : {};

  it('is taken out where the record names it, and never from anything else', async () => {
    const { base, adapter } = trainedAdapter({ method: id, config });
    const other = otherAdapter(base, adapter);
    const { out } = await mergedInto(base, adapter);
    const report = await takenOut(out, adapter);
    expect(report).toMatchObject({ isVerified: true, warnings: [], verdict: 'rounding', comparedWith: base });
    expect(existsSync(historyFile(report.out))).toBe(false);
    await expect(takenOut(out, other)).rejects.toEqual(refused(/another adapter was merged: its tensors hold other/));
    await expect(takenOut(base, adapter)).rejects.toEqual(unconfirmed(/no merge is recorded here; .*--unverified/));
    await expect(takenOut(report.out, adapter)).rejects.toEqual(unconfirmed(/no merge is recorded here/));
  });

  it('merged after another one comes out first', async () => {
    const { base, adapter } = trainedAdapter({ method: id, config });
    const second = otherAdapter(base, adapter);
    const first = await mergedInto(base, adapter);
    const both = await mergedInto(first.out, second);
    expect(readHistory(both.out)).toHaveLength(2);
    await expect(takenOut(both.out, adapter)).rejects.toEqual(refused(/other adapters were merged after this one: 1/));
    const one = await takenOut(both.out, second, { base: first.out });
    expect(one).toMatchObject({ isVerified: true, verdict: 'rounding' });
    const [left] = readHistory(one.out);
    expect(left?.adapter).toEqual(readHistory(first.out)[0]?.adapter);
    const none = await takenOut(one.out, adapter);
    expect(none).toMatchObject({ isVerified: true, verdict: 'rounding' });
  });
});

describe('an adapter', () => {
  it('is the same one saved again elsewhere, with its targets in another order', async () => {
    const { base, adapter } = trainedAdapter({ config: { target_modules: ['q_proj', 'v_proj'] } });
    const { out } = await mergedInto(base, adapter);
    const same = copied(adapter, {
      target_modules: ['v_proj', 'q_proj'],
      base_model_name_or_path: base,
      revision: 'x',
    });
    expect(await takenOut(out, same)).toMatchObject({ isVerified: true });
  });

  it('is another one with another alpha, which the refusal names', async () => {
    const { base, adapter } = trainedAdapter({ config: { lora_alpha: 4 } });
    const { out } = await mergedInto(base, adapter);
    const other = copied(adapter, { lora_alpha: 8 });
    await expect(takenOut(out, other)).rejects.toEqual(refused(/another adapter was merged: lora_alpha is 4, here 8/));
  });

  it('of another method is refused by its name', async () => {
    const { base, adapter } = trainedAdapter({});
    const { adapter: full } = trainedAdapter({ method: 'full' });
    const { out } = await mergedInto(base, adapter);
    await expect(takenOut(out, full)).rejects.toEqual(refused(/method is "lora", here "full"/));
    await expect(takenOut(out, full, { unverified: true })).rejects.toEqual(refused(/method is/));
  });

  it('is not merged into the same weights twice unless asked for', async () => {
    const { base, adapter } = trainedAdapter({});
    const once = await mergedInto(base, adapter);
    await expect(mergedInto(once.out, adapter)).rejects.toEqual(unconfirmed(/was merged into it already; .*--again/));
    const twice = await mergedInto(once.out, adapter, true);
    expect(readHistory(twice.out)).toHaveLength(2);
    const back = await takenOut(twice.out, adapter, { base: once.out });
    expect(back).toMatchObject({ isVerified: true, verdict: 'rounding' });
  });
});

describe('a merged folder', () => {
  it('of another program is taken apart only when told to, and compared with the base', async () => {
    const { base, adapter } = trainedAdapter({});
    const { out } = await mergedInto(base, adapter);
    rmSync(path.join(out, 'unmerge'), { recursive: true });
    await expect(takenOut(out, adapter)).rejects.toEqual(unconfirmed(/no merge is recorded/));
    const right = await takenOut(out, adapter, { unverified: true });
    expect(right).toMatchObject({ isVerified: false, verdict: 'rounding' });
    expect(right.warnings).toEqual(['nothing shows that the adapter was in there: no merge is recorded here']);
    expect(await takenOut(base, adapter, { unverified: true })).toMatchObject({ verdict: 'different' });
  });

  it('whose weights were changed afterwards is taken apart only when told to', async () => {
    const { base, adapter } = trainedAdapter({});
    const { out } = await mergedInto(base, adapter);
    const file = path.join(out, 'model.safetensors');
    const bytes = readFileSync(file);
    const last = bytes.length - 4;
    bytes.writeFloatLE(bytes.readFloatLE(last) + 0.25, last);
    writeFileSync(file, bytes);
    await expect(takenOut(out, adapter)).rejects.toEqual(unconfirmed(/the weights have changed since/));
    expect(await takenOut(out, adapter, { unverified: true })).toMatchObject({ isVerified: false });
  });

  it('with another config.json is still the one that was merged', async () => {
    const { base, adapter } = trainedAdapter({});
    const { out } = await mergedInto(base, adapter);
    const file = path.join(out, 'config.json');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), note: 'mine' }));
    expect(await takenOut(out, adapter)).toMatchObject({ isVerified: true });
  });

  it('with a damaged record is refused with what is wrong in it', async () => {
    const { base, adapter } = trainedAdapter({});
    const { out } = await mergedInto(base, adapter);
    writeFileSync(historyFile(out), '{"version": 1, "merges": [{"adapter": 3}]}');
    await expect(takenOut(out, adapter, { unverified: true })).rejects.toThrow(/record\.json: merges: /);
    await expect(mergedInto(out, adapter)).rejects.toThrow(/record\.json: merges: /);
  });

  it('gets tensors that were trained in full back from the base it was merged into, and from no other', async () => {
    const config = { modules_to_save: ['lm_head'] };
    const { base, adapter } = trainedAdapter({ config });
    const { base: other } = trainedAdapter({ model: { seed: 5 } });
    const { out } = await mergedInto(base, adapter);
    await expect(takenOut(out, adapter, { base: other })).rejects.toEqual(
      refused(/is not the base model that the adapter was merged into; expected that one/),
    );
    expect(await takenOut(out, adapter, { base })).toMatchObject({ isVerified: true, verdict: 'rounding' });
  });
});

describe('the base of a merge', () => {
  it('that is not the one of the adapter’s run is told', async () => {
    const { base, adapter } = trainedAdapter({});
    const run = temporaryFolder();
    const own = path.join(run, 'adapter');
    cpSync(adapter, own, { recursive: true });
    const checkpoint = openCheckpoint(base);
    const digest = checkpoint.sampledDigest();
    checkpoint.close();
    writeFileSync(path.join(run, 'run.json'), JSON.stringify({ digests: { base: digest } }));
    expect((await mergedInto(base, own)).warnings).toEqual([]);
    const { base: other } = trainedAdapter({ model: { seed: 5 } });
    expect((await mergedInto(other, own)).warnings).toEqual([
      expect.stringMatching(/is not the base model that the adapter was trained on/),
    ]);
  });
});
