/** @file A run whose factors start out of the base weights: killed and resumed, it ends in the same bytes. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { useEngine } from '../../support/engine';
import { trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();

test('a run with PiSSA that was killed goes on to the same adapter and the same state of the optimiser', async () => {
  const config = fixture.config('pissa', { adapter: { init_lora_weights: 'pissa' } });
  const [whole, cut] = ['whole', 'cut'].map((name) => path.join(fixture.folder, 'runs', name)) as [string, string];
  expect((await engine.run('train', config, '--run', whole, '--json')).status).toBe(0);
  const started = engine.start(['train', config, '--run', cut, '--json']);
  await started.until((out) => out.includes('"step":15,'));
  started.child.kill('SIGKILL');
  await started.finished;
  expect((await engine.run('resume', cut, '--json')).status).toBe(0);
  for (const file of [
    'adapter/adapter_model.safetensors',
    'adapter/adapter_config.json',
    'checkpoints/step-000024/optimizer.safetensors',
  ]) {
    expect(readFileSync(path.join(cut, file)).equals(readFileSync(path.join(whole, file))), file).toBe(true);
  }
});
