/** @file A list of checks that goes on after a failure, and its table: check, measured, limit, verdict. */
import { formatTable, say } from '../shared/table';

export type Verdict = 'passed' | 'failed' | 'not run';

export interface CheckResult {
  readonly name: string;
  readonly measured: string;
  readonly limit: string;
  readonly verdict: Verdict;
}

export interface Measured {
  /** The number as it is shown, with its unit. */
  readonly measured: string;
  readonly isPassed: boolean;
}

export class Checks {
  readonly results: CheckResult[] = [];

  /** Runs one check; what it throws is its failure. Returns whether it passed. */
  async run(name: string, limit: string, measure: () => Promise<Measured>): Promise<boolean> {
    const start = performance.now();
    const { measured, isPassed } = await measure().catch((error: unknown) => ({
      measured: error instanceof Error ? error.message : String(error),
      isPassed: false,
    }));
    const verdict = isPassed ? 'passed' : 'failed';
    this.results.push({ name, measured, limit, verdict });
    say(`${verdict}: ${name}: ${measured} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
    return isPassed;
  }

  /** Says clearly that something was not looked at. */
  notRun(name: string, limit: string, reason: string): void {
    this.results.push({ name, measured: reason, limit, verdict: 'not run' });
    say(`not run: ${name}: ${reason}`);
  }

  count(verdict: Verdict): number {
    return this.results.filter((result) => result.verdict === verdict).length;
  }

  table(): string {
    const rows = this.results.map(({ name, measured, limit, verdict }) => [
      name,
      measured.split('\n')[0]!.slice(0, 80),
      limit,
      verdict === 'failed' ? 'FAILED' : verdict,
    ]);
    return formatTable([['check', 'measured', 'limit', 'verdict'], ...rows]);
  }
}

/** `value` against an upper limit, both shown with two digits. */
export function atMost(value: number, limit: number): Measured {
  return { measured: value.toExponential(1), isPassed: value <= limit };
}
