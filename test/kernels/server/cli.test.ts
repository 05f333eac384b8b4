/** @file The command line as other programs see it: exit statuses, what goes to stdout, what a refusal looks like. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENGINE_VERSION } from '../../../kernels/util/version';
import { useEngine } from '../../support/engine';
import { trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const runs = path.join(fixture.folder, 'runs');
const run = path.join(runs, 'short');
const adapter = path.join(run, 'adapter');

beforeAll(async () => {
  const config = fixture.config('short', { training: { max_steps: 2, eval_steps: 2 } });
  expect((await engine.run('train', config, '--run', run)).status).toBe(0);
});

describe('help and version', () => {
  test('help lists every command but those the program calls itself with', async () => {
    const { status, stdout, stderr } = await engine.run('help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const commands = 'train resume stop eval merge unmerge inspect generate check runs devices'.split(' ');
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    expect(stdout).not.toMatch(/^ {2}(run|serve|probe-device)\b/m);
  });

  test('each command has its own', async () => {
    expect(await engine.run('merge', '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^adapter-studio merge --base DIR --adapter DIR --out DIR/),
    });
  });

  test('help with a command is the help of that command', async () => {
    const { stdout } = await engine.run('merge', '--help');
    expect(await engine.run('help', 'merge')).toMatchObject({ status: 0, stdout });
  });

  test('help with a section, a key or a word of the field is about that', async () => {
    const helpWith = async (topic: string) => {
      const { status, stdout, stderr } = await engine.run('help', topic);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return stdout;
    };
    expect(await helpWith('relora')).toMatch(/^Restarts \(ReLoRA, ReMoRA\): .*\n\n {2}every: an integer/);
    expect(await helpWith('adapter')).toMatch(/ {2}method: one of lora, .*\n[^]*Further keys depend on the method/);
    expect(await helpWith('adapter.r')).toMatch(/Rank[^]*\(default 8\)[^]*with mora\n/);
    expect(await helpWith('max_steps')).toMatch(/^Steps, in the section `training:`/);
    expect(await helpWith('model')).toMatch(/^Base model, at the top level/);
    expect(await helpWith('rslora')).toBe('rsLoRA is written as adapter.method: lora, adapter.use_rslora: true\n');
  });

  test.each([
    ['nothing', /^help: found the topic nothing; expected a command, a method, a section[^?]*\n$/],
    ['adapter.rnk', /^help: found the topic adapter.rnk; .*did you mean adapter.r\w*\?\n$/],
    ['trian', /did you mean train\?\n$/],
  ])('help with the unknown topic %s is refused', async (topic, message) => {
    const { status, stdout, stderr } = await engine.run('help', topic);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('no command at all is refused, with the help', async () => {
    expect(await engine.run()).toMatchObject({ status: 2, stdout: expect.stringContaining('usage:') });
  });

  test('the version is that of the package', async () => {
    expect(await engine.run('--version')).toMatchObject({ status: 0, stdout: `${ENGINE_VERSION}\n` });
  });
});

describe('what is refused ends with 2 and one line for each problem on stderr', () => {
  test.each([
    ['an unknown command', ['trian', 'x'], 'found the command trian; expected one of train,'],
    ['an unknown option', ['runs', '--al'], 'runs: found the option --al; expected one of'],
    ['an option without its value', ['generate', '--base'], "option '--base <value>' argument missing"],
    [
      'a value that looks like an option',
      ['generate', '--base', 'x', '--prompt', 'y', '--max-new-tokens', '-1'],
      '--max-new-tokens: found -1; expected a value; one that begins with - is written --max-new-tokens=-1',
    ],
    ['a missing option', ['merge', '--base', 'x'], '--adapter: is missing'],
    ['a missing argument', ['train'], 'arguments: found none; expected a configuration file'],
    ['an argument too many', ['devices', 'all'], 'arguments: found all; expected options only'],
    ['a folder that does not exist', ['runs', '/nowhere'], '/nowhere: there is no such folder; expected'],
    ['a run that does not exist', ['resume', '/nowhere'], '/nowhere: has no run.json; expected a run folder'],
    ['a configuration that does not exist', ['train', '/nowhere.adapter.yaml'], '/nowhere.adapter.yaml: '],
    [
      'a number that is none',
      ['generate', '--base', 'x', '--prompt', 'y', '--max-new-tokens', '1.5'],
      '--max-new-tokens: found 1.5; expected a whole number',
    ],
    [
      'an option without effect',
      ['generate', '--base', 'x', '--prompt', 'y', '--seed', '1'],
      '--seed has no effect without --temperature',
    ],
    [
      'a type that is none',
      ['merge', '--base', 'x', '--adapter', 'y', '--out', 'z', '--dtype', 'f8'],
      '--dtype: found f8; expected one of keep, f32, f16, bf16',
    ],
    [
      'a base that is no checkpoint',
      ['generate', '--base', '/nowhere', '--prompt', 'x'],
      '/nowhere: there is no such folder; expected a checkpoint folder',
    ],
  ])('%s', async (_, args, message) => {
    const finished = await engine.run(...args);
    expect(finished.stderr).toContain(message);
    expect(finished).toMatchObject({ status: 2, stdout: '' });
  });

  test('every mistake of a configuration by its line', async () => {
    const file = fixture.config('wrong', {
      training: { learning_rate: -1, max_stpes: 3 },
      data: { train: 'no.jsonl' },
    });
    const { status, stderr, stdout } = await engine.run('train', file);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^\/.*wrong\.adapter\.yaml:\d+: .*; .+/);
    expect(stderr).toContain('the nearest known key is "max_steps"');
  });
});

describe('with --json', () => {
  test.each([
    ['devices', ['devices']],
    ['runs', ['runs', runs]],
    ['inspect', ['inspect', adapter]],
    ['check', ['check', fixture.model, adapter, fixture.trainFile]],
    ['eval', ['eval', fixture.config('eval'), '--adapter', adapter]],
    ['generate', ['generate', '--base', fixture.model, '--prompt', 'abc', '--max-new-tokens', '3', '--device', 'cpu']],
    ['merge', ['merge', '--base', fixture.model, '--adapter', adapter, '--out', path.join(fixture.folder, 'merged')]],
  ])('%s writes one object to stdout and nothing else', async (_, args) => {
    const finished = await engine.run(...args, '--json');
    expect(finished.status).toBe(0);
    expect(finished.records()).toHaveLength(1);
    expect(finished.stderr).not.toMatch(/\u001b|\r/);
  });

  test('a refusal is an object too, with its problems', async () => {
    const finished = await engine.run('inspect', '/nowhere', '--json');
    expect(finished.status).toBe(2);
    const problem = { file: '/nowhere', severity: 'error', found: 'there is nothing at this path' };
    expect(finished.records()).toEqual([
      { error: { code: 'input/refused', message: expect.any(String), problems: [expect.objectContaining(problem)] } },
    ]);
    expect(finished.stderr).toMatch(/^\/nowhere: there is nothing at this path; expected /);
  });
});

describe('the commands', () => {
  test('runs lists status, step and best loss, and names a folder that it cannot read', async () => {
    const broken = path.join(runs, 'broken');
    mkdirSync(broken);
    writeFileSync(path.join(broken, 'run.json'), '{');
    const finished = await engine.run('runs', runs, '--json');
    const [{ runs: listed, problems }] = finished.records() as [{ runs: object[]; problems: object[] }];
    expect(listed).toEqual([
      {
        run,
        name: 'short',
        status: 'finished',
        step: 2,
        total_steps: 2,
        best: { step: 2, loss: expect.any(Number) },
        activity: 'pending',
      },
    ]);
    expect(problems).toEqual([expect.objectContaining({ file: expect.stringContaining(broken) as string })]);
    const shown = (await engine.run('runs', runs)).stdout;
    expect(shown).toMatch(/^short +finished +2\/2 +\d\.\d{4} at step 2 +not yet$/m);
  });

  test('runs show tells each figure of the activity with its value, verdict and rule', async () => {
    const [record] = (await engine.run('runs', 'show', run, '--json')).records();
    expect(record).toMatchObject({
      run,
      method: 'lora',
      status: 'finished',
      activity: { step: 2, verdict: 'pending' },
    });
    const shown = (await engine.run('runs', 'show', run)).stdout;
    expect(shown).toMatch(/^method +lora$/m);
    expect(shown).toMatch(/^activity at step 2: not yet$/m);
    // The first update has rate 0: at the second, B has moved and A has got no gradient yet.
    expect(shown).toMatch(/^Smallest change of B +[\d.e-]+ +green +above 0 in every layer +model\.layers/m);
    expect(shown).toMatch(/^Largest rank of ΔW +\d +green +at most r = 3 +model\.layers/m);
    expect(await engine.run('runs', 'show', runs)).toMatchObject({ status: 2 });
  });

  test('a run that is over cannot be stopped', async () => {
    expect(await engine.run('stop', run)).toMatchObject({
      status: 2,
      stderr: `${run}: is finished; expected a run that is running\n`,
    });
  });

  test('eval of an adapter is the loss that its run recorded last', async () => {
    const config = fixture.config('eval');
    const [after] = (await engine.run('eval', config, '--adapter', adapter, '--json')).records();
    const [before] = (await engine.run('eval', config, '--json')).records();
    const listed = (await engine.run('runs', runs, '--json')).records()[0] as { runs: { best: { loss: number } }[] };
    expect(after?.['loss']).toBe(listed.runs[0]?.best.loss);
    expect(after).toMatchObject({ samples: 6, tokens: before?.['tokens'] });
    expect(after?.['loss']).not.toBe(before?.['loss']);
  });

  test('generate goes through the chat template, and with --raw does not', async () => {
    const base = ['generate', '--base', fixture.model, '--prompt', 'abc', '--max-new-tokens', '4', '--device', 'cpu'];
    const [chat] = (await engine.run(...base, '--json')).records();
    expect(chat).toMatchObject({ tokens: 4, prompt_tokens: 'user: abc\nassistant: '.length, stopped: 'length' });
    const [raw] = (await engine.run(...base, '--raw', '--json')).records();
    expect(raw).toMatchObject({ tokens: 4, prompt_tokens: 3 });
    expect((await engine.run(...base, '--raw')).stdout).toBe(`${String(raw?.['text'])}\n`);
    const sampled = async (seed: string): Promise<unknown> => {
      const finished = await engine.run(...base, '--temperature', '3', '--seed', seed, '--top-p', '0.99', '--json');
      return finished.records()[0]?.['text'];
    };
    expect(await sampled('1')).toBe(await sampled('1'));
    expect(await sampled('2')).not.toBe(await sampled('3'));
  });

  test('inspect shows an adapter, and with --module its singular values', async () => {
    const shown = (await engine.run('inspect', adapter)).stdout;
    expect(shown).toContain(
      `${adapter}: lora adapter of 14 modules, 1,536 trained parameters\nbase: ${fixture.model}\n`,
    );
    expect(shown).toMatch(/^model\.layers\.0\.mlp\.down_proj +\[3, 24\] +\d\S* +\[16, 3\] /m);
    const [all] = (await engine.run('inspect', adapter, '--json')).records() as [{ modules: object[] }];
    expect(all).toMatchObject({
      kind: 'adapter',
      base: fixture.model,
      method: 'lora',
      config: { r: 3, lora_alpha: 6 },
    });
    expect(all.modules).toHaveLength(14);
    expect(JSON.stringify(all)).not.toContain('singular_values');
    const asked = await engine.run('inspect', adapter, '--module', 'layers.1.self_attn.v_proj', '--json');
    const [one] = asked.records() as [{ modules: { module: string; update: { singular_values: number[] } }[] }];
    expect(one.modules.map((m) => m.module)).toEqual(['model.layers.1.self_attn.v_proj']);
    expect(one.modules[0]?.update.singular_values).toHaveLength(3);
    expect(await engine.run('inspect', adapter, '--module', 'c_attn')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining(
        `${adapter}: --module: there is no c_attn; expected one of the 14 names, such as model.`,
      ),
    });
  });

  test.each([
    ['inspect', () => ['inspect', run]],
    ['generate', () => ['generate', '--base', fixture.model, '--adapter', run, '--prompt', 'abc']],
    ['merge', () => ['merge', '--base', fixture.model, '--adapter', run, '--out', path.join(runs, 'never')]],
    ['unmerge', () => ['unmerge', '--merged', fixture.model, '--adapter', run, '--out', path.join(runs, 'never')]],
    ['eval', () => ['eval', fixture.config('evaluated', { data: { eval: fixture.trainFile } }), '--adapter', run]],
  ])('%s, given the run for its adapter, says where that is', async (_name, args) => {
    expect(await engine.run(...args())).toMatchObject({
      status: 2,
      stderr: `${run}: this is the folder of a run; expected an adapter folder; that of this run is ${adapter}\n`,
    });
  });

  test('inspect lists the tensors of a checkpoint or a file, and with --module their statistics', async () => {
    const [checkpoint] = (await engine.run('inspect', fixture.model, '--json')).records() as [{ tensors: object[] }];
    expect(checkpoint).toMatchObject({
      kind: 'checkpoint',
      model_type: 'llama',
      parameters: 12_944,
      bytes: 4 * 12_944,
    });
    const head = { name: 'lm_head.weight', dtype: 'F32', shape: [258, 16], bytes: 16_512, file: 'model.safetensors' };
    expect(checkpoint.tensors).toContainEqual(head);
    const file = path.join(fixture.model, 'model.safetensors');
    const [tensor] = (await engine.run('inspect', file, '--module', 'lm_head', '--json')).records() as [
      { tensors: object[] },
    ];
    expect(tensor.tensors).toEqual([
      expect.objectContaining({
        name: 'lm_head.weight',
        statistics: expect.objectContaining({ count: 4128, non_finite: 0 }),
      }),
    ]);
    expect((await engine.run('inspect', file, '--module', 'model.norm')).stdout).toMatch(
      /^model\.norm\.weight {2}F32 \[16\] {2}16 values\n {2}min 0\.\d+ {2}max 1\.\d+ {2}mean \S+ {2}std \S+ {2}zeros 0 {2}not finite 0\n$/,
    );
  });

  test('a reader that goes away does not end a run', async () => {
    const dir = path.join(runs, 'unread');
    const started = engine.start([
      'train',
      fixture.config('unread', { training: { max_steps: 6 } }),
      '--run',
      dir,
      '--json',
    ]);
    await started.until((out) => out.includes('"run"'));
    started.child.stdout?.destroy();
    started.child.stderr?.destroy();
    expect((await started.finished).status).toBe(0);
    expect(existsSync(path.join(dir, 'adapter', 'adapter_config.json'))).toBe(true);
  });
});

test('a device that does not work is a failure of the machine, with 3, and is not replaced', async () => {
  const device = process.platform === 'darwin' ? 'dml' : 'coreml';
  const config = fixture.config('device', { runtime: { device } });
  const finished = await engine.run('train', config);
  expect(finished.status).toBe(3);
  expect(finished.stderr).toContain(`runtime.device: ${device} does not work here`);
});
