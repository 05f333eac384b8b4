/** @file Kills the process of a run at a random moment, again and again, until the run has finished all the same. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { MetricRecord, SampleRecord } from '../../../kernels/protocol/types';
import type { Random } from '../../../kernels/util/random';
import type { Acknowledged } from './verify';
import { NOTHING, readState, verifyFinished, verifyRun } from './verify';
import type { Kill, Victim, Workplace } from './workplace';
import { between, ended, pause, startEngine } from './workplace';

/** From the start of the process to the end of a short run. */
const LONGEST_MS = 1500;

export class RunVictim implements Victim {
  readonly name = 'run process';
  private runs = 0;
  private dir = '';

  constructor(
    private readonly place: Workplace,
    private readonly random: Random,
  ) {}

  async kill(): Promise<Kill> {
    const { place, random } = this;
    const isNew = this.dir === '';
    if (isNew) this.dir = path.join(place.folder, 'runs', `killed-${this.runs++}`);
    const child = startEngine(place, [...this.command(), '--json']);
    const seen = { metrics: [] as MetricRecord[], lines: 0, rest: '', stderr: '' };
    // Half of the kills by the clock, half right after something was said to be done.
    const byClock = random.below(2) === 0;
    const after = between(random, 1, 30);
    const when = byClock ? pause(between(random, 100, LONGEST_MS)) : undefined;
    const reached = new Promise<void>((resolve) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const lines = `${seen.rest}${text}`.split('\n');
        seen.rest = lines.pop() ?? '';
        for (const line of lines) {
          const record = JSON.parse(line) as Partial<MetricRecord | SampleRecord> & { kind?: string };
          if (record.kind === 'train' || record.kind === 'eval') seen.metrics.push(record as MetricRecord);
        }
        seen.lines += lines.length;
        if (seen.lines >= after) resolve();
      });
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (seen.stderr += text));
    const over = ended(child);
    await Promise.race([over, when ?? reached.then(() => pause(random.below(12)))]);
    child.kill('SIGKILL');
    const how = await over;
    // What it said last may still be in the pipe.
    await pause(5);
    const acknowledged: Acknowledged = { ...NOTHING, metrics: seen.metrics };
    const during = this.phase(how, seen.metrics.length, isNew);
    const violations = how === 'SIGKILL' || how === 0 ? [] : [`it ended with ${how}: ${seen.stderr.trim()}`];
    return { during, violations: [...violations, ...this.look(acknowledged)] };
  }

  /** Resumes without killing. */
  async finish(): Promise<readonly string[]> {
    if (this.dir === '') return [];
    const child = startEngine(this.place, this.command());
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const how = await ended(child);
    return how === 0 ? this.look(NOTHING) : [`${this.dir} could not be resumed (${how}): ${said.trim()}`];
  }

  private command(): readonly string[] {
    const isThere = existsSync(path.join(this.dir, 'run.json'));
    return isThere ? ['resume', this.dir] : ['train', this.place.long.config, '--run', this.dir];
  }

  private look(acknowledged: Acknowledged): readonly string[] {
    const { reference } = this.place.long;
    if (!existsSync(path.join(this.dir, 'run.json'))) return [];
    const violations = [...verifyRun(this.dir, acknowledged, reference)];
    if (readState(this.dir).status === 'finished') {
      violations.push(...verifyFinished(this.dir, reference));
      this.dir = '';
    }
    return violations.map((text) => `${this.name}: ${text}`);
  }

  private phase(how: NodeJS.Signals | number | null, records: number, isNew: boolean): string {
    if (how !== 'SIGKILL') return 'it was faster';
    if (records > 0) return 'training';
    return isNew ? 'starting' : 'resuming';
  }
}
