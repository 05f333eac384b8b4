/** @file Kills a process that does what the extension host does: its run goes on, and what it wrote is there. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive } from '../../../kernels/runs/processes';
import type { Random } from '../../../kernels/util/random';
import { bringToEnd } from './bringToEnd';
import { NOTHING, verifyFinished, verifyRun } from './verify';
import type { Kill, Victim, Workplace } from './workplace';
import { between, ended, eventually, pause } from './workplace';

interface Said {
  kernel?: number;
  run?: string;
  seen?: number;
  written?: number;
}

export class EditorVictim implements Victim {
  readonly name = 'extension host';
  private count = 0;

  /** `self`: this tool's own program, which can be the editor. */
  constructor(
    private readonly place: Workplace,
    private readonly random: Random,
    private readonly self: string,
  ) {}

  async kill(): Promise<Kill> {
    const { place, random } = this;
    const folder = path.join(place.folder, 'edited', String(this.count++));
    mkdirSync(folder, { recursive: true });
    const config = path.join(path.dirname(place.short.config), `edited-${this.count}.adapter.yaml`);
    const text = readFileSync(place.short.config, 'utf8');
    writeFileSync(config, text.replace(/^output: .*$/m, `output: ${JSON.stringify(path.join(folder, 'runs'))}`));
    const child = spawn(process.execPath, [this.self, 'editor', place.program, config, folder], {
      env: place.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said: Said = {};
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) Object.assign(said, JSON.parse(line));
    });
    // Half of the kills by the clock, half after so many things that it said it had done.
    const when =
      random.below(2) === 0 ? pause(between(random, 100, 2500)) : this.hasSaid(child, between(random, 2, 120));
    await Promise.race([ended(child), when]);
    child.kill('SIGKILL');
    await ended(child);
    await pause(5);
    const during = said.run === undefined ? (said.kernel === undefined ? 'starting' : 'starting a run') : 'following';
    const violations = [...this.lookAtFiles(folder, said), ...(await this.lookAtRun(folder, said))];
    rmSync(folder, { recursive: true, force: true });
    return { during, violations: violations.map((found) => `${this.name}: ${found}`) };
  }

  private hasSaid(child: ChildProcess, lines: number): Promise<void> {
    let said = 0;
    return new Promise((resolve) =>
      child.stdout?.on('data', (chunk: string) => {
        said += chunk.split('\n').length - 1;
        if (said >= lines) resolve();
      }),
    );
  }

  finish(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  /** Whole, and no older than what was acknowledged. */
  private lookAtFiles(folder: string, { written = 0 }: Said): readonly string[] {
    const violations: string[] = [];
    const check = (name: string, numberIn: (text: string) => number): void => {
      const file = path.join(folder, name);
      const number = existsSync(file) ? numberIn(readFileSync(file, 'utf8')) : 0;
      if (!(number >= written)) violations.push(`${name} is that of write ${number}, and ${written} was acknowledged`);
    };
    check('settings.json', (text) => (JSON.parse(text) as { number: number }).number);
    check('written.adapter.yaml', (text) => Number(/^version: (\d+)\n$/m.exec(text)?.[1]));
    const known = /^(settings\.json|written\.adapter\.yaml)(\.[0-9a-f]+\.tmp)?$|^runs$/;
    const strange = readdirSync(folder).filter((name) => !known.test(name));
    return [...violations, ...strange.map((name) => `found ${name}`)];
  }

  /** The kernel ends with its editor, the run does not. */
  private async lookAtRun(folder: string, { kernel, run }: Said): Promise<readonly string[]> {
    const violations: string[] = [];
    const { reference } = this.place.short;
    const isGone = (): boolean => kernel === undefined || !isAlive(kernel, Date.now() / 1000);
    if (!(await eventually(isGone, 10_000))) violations.push('its kernel lives on');
    const runs = path.join(folder, 'runs');
    const dirs = existsSync(runs) ? readdirSync(runs).map((name) => path.join(runs, name)) : [];
    if (run !== undefined && !dirs.includes(run)) violations.push(`the run ${run} is lost`);
    for (const dir of dirs.filter((d) => existsSync(path.join(d, 'run.json')))) {
      // What was acknowledged must outlive its editor; else the kernel may have died before it started the run.
      violations.push(...(await bringToEnd(this.place, dir, { mustBeAlive: run === dir })));
      violations.push(...verifyRun(dir, NOTHING, reference), ...verifyFinished(dir, reference));
    }
    return violations;
  }
}
