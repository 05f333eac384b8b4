/** @file Try It: a run stands for its latest checkpoint, an adapter brings its base, and what is nothing of the kind changes nothing. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { tryIt } from '../../../extension/commands/tryIt';
import type { Studio } from '../../../extension/studio';
import type { TryItOffer } from '../../../webview/protocol/tryIt';
import { temporaryFolder } from '../../support/tinyModel';
import { Uri } from '../../support/vscodeStub';

const folder = temporaryFolder();
const write = (file: string, value: unknown): void => {
  mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
  writeFileSync(path.join(folder, file), JSON.stringify(value));
};
const at = (name: string): string => path.join(folder, name);

write('base/config.json', { model_type: 'llama' });
write('other/config.json', { model_type: 'llama' });
write('run/run.json', { name: 'a', total_steps: 4, config: { model: at('base') } });
write('run/state.json', { status: 'running', step: 3, pid: 1 });
write('run/checkpoints/step-000002/adapter_config.json', { base_model_name_or_path: '/gone' });
write('run/checkpoints/step-000010/adapter_config.json', {});
write('poems/adapter_config.json', { base_model_name_or_path: '../other' });
write('lost/adapter_config.json', { base_model_name_or_path: 'hub/name' });
mkdirSync(at('empty'));

let shown: (TryItOffer | null)[];
const studio = { tryIt: { show: (offer: TryItOffer | null) => shown.push(offer) } } as unknown as Studio;
beforeEach(() => (shown = []));

test.each([
  ['a run', { folder: at('run') }, { base: at('base'), adapter: at('run/checkpoints/step-000010') }],
  [
    'a checkpoint of a run',
    Uri.file(at('run/checkpoints/step-000002')),
    { base: at('base'), adapter: at('run/checkpoints/step-000002') },
  ],
  ['an adapter', { path: at('poems') }, { base: at('other'), adapter: at('poems') }],
  ['the file of an adapter', Uri.file(at('poems/adapter_config.json')), { base: at('other'), adapter: at('poems') }],
  ['an adapter whose base is not here', { path: at('lost') }, { base: null, adapter: at('lost') }],
  ['a checkpoint', { path: at('base') }, { base: at('base'), adapter: null }],
  ['an empty folder', { path: at('empty') }, null],
  ['nothing', undefined, null],
])('the panel is offered %s', async (_, argument, offer) => {
  await tryIt(studio, argument);
  expect(shown).toEqual([offer]);
});
