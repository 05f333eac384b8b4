/** @file Kills the interactive kernel while it answers a call: starts a run, merges, or checks. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { createClient } from '../../../kernels/protocol/channel';
import type { KernelApi } from '../../../kernels/protocol/kernelApi';
import { PROTOCOL_VERSION } from '../../../kernels/protocol/kernelApi';
import type { Random } from '../../../kernels/util/random';
import { bringToEnd } from './bringToEnd';
import { isTemporary, NOTHING, verifyFinished, verifyRun } from './verify';
import type { Kill, Victim, Workplace } from './workplace';
import { between, ended, pause } from './workplace';

const CALLS = ['run/start', 'adapter/merge', 'config/check'] as const;

export class KernelVictim implements Victim {
  readonly name = 'interactive kernel';
  private count = 0;

  constructor(
    private readonly place: Workplace,
    private readonly random: Random,
  ) {}

  async kill(): Promise<Kill> {
    const { place, random } = this;
    const call = CALLS[random.below(CALLS.length)] ?? 'run/start';
    const out = path.join(place.folder, 'called', String(this.count++));
    mkdirSync(out, { recursive: true });
    const child = spawn(process.execPath, [place.program, 'serve'], {
      env: place.env,
      cwd: out,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    connection.onError(() => undefined);
    connection.listen();
    const client = createClient<KernelApi>(connection);
    const over = ended(child);
    await client.call('hello', { version: PROTOCOL_VERSION });
    const { config, reference } = place.short;
    const asked =
      call === 'run/start'
        ? client.call(call, { config: this.configIn(out), mode: random.below(2) === 0 ? 'queue' : 'beside' })
        : call === 'adapter/merge'
          ? client.call(call, {
              base: place.model,
              adapter: path.join(reference, 'adapter'),
              out: path.join(out, 'merged'),
              dtype: 'keep',
            })
          : client.call(call, { path: config });
    const answer = asked.then(
      () => true,
      () => false,
    );
    await Promise.race([answer, pause(between(random, 1, call === 'config/check' ? 60 : 700))]);
    child.kill('SIGKILL');
    await over;
    connection.dispose();
    await answer;
    const violations = call === 'run/start' ? await this.lookAtRuns(out) : this.lookAtMerged(out);
    rmSync(out, { recursive: true, force: true });
    return { during: call, violations: violations.map((text) => `${this.name}, ${call}: ${text}`) };
  }

  finish(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  /** The configuration of the short run, with its own place for runs. */
  private configIn(out: string): string {
    const file = path.join(path.dirname(this.place.short.config), `called-${path.basename(out)}.adapter.yaml`);
    const text = readFileSync(this.place.short.config, 'utf8').replace(
      /^output: .*$/m,
      `output: ${JSON.stringify(out)}`,
    );
    writeFileSync(file, text);
    return file;
  }

  /** No run, or one that goes on or can be resumed, and ends as if nothing had happened. */
  private async lookAtRuns(out: string): Promise<readonly string[]> {
    const { reference } = this.place.short;
    const violations: string[] = [];
    for (const name of readdirSync(out)) {
      const dir = path.join(out, name);
      if (!existsSync(path.join(dir, 'run.json'))) continue; // no run: it was not made
      violations.push(...verifyRun(dir, NOTHING, reference));
      violations.push(...(await bringToEnd(this.place, dir)));
      violations.push(...verifyRun(dir, NOTHING, reference), ...verifyFinished(dir, reference));
    }
    return violations;
  }

  /** A merged checkpoint is there as a whole or not at all. */
  private lookAtMerged(out: string): readonly string[] {
    return readdirSync(out).flatMap((name) => {
      if (isTemporary(name)) return [];
      if (name !== 'merged') return [`found ${name}`];
      return differences(path.join(out, name), this.place.merged);
    });
  }
}

/** Files of two folders that are not the same. */
function differences(dir: string, reference: string): readonly string[] {
  const names = new Set([...readdirSync(dir), ...readdirSync(reference)]);
  return [...names].flatMap((name) => {
    const [a, b] = [path.join(dir, name), path.join(reference, name)];
    if (!existsSync(a) || !existsSync(b)) return [`merged/${name} is in one of the two only`];
    return statSync(a).isFile() && !readFileSync(a).equals(readFileSync(b)) ? [`merged/${name} differs`] : [];
  });
}
