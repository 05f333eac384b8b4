/** @file Reads fields of a config.json with one problem per field that is missing, of the wrong type, or not supported. */
import { KernelError } from '../protocol/errors';
import type { Problem } from '../protocol/errors';

export class ConfigReader {
  private readonly problems: Problem[] = [];
  private readonly known = new Set<string>();

  constructor(
    private readonly json: Readonly<Record<string, unknown>>,
    private readonly file: string,
  ) {}

  /** A whole number ≥ 1; missing is a problem unless there is a default. */
  count(key: string, fallback?: number): number {
    const value = this.raw(key);
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
    this.refuse(key, value, 'expected a whole number of at least 1');
    return NaN; // no rule about other fields finds fault with it
  }

  positive(key: string, fallback?: number): number {
    const value = this.raw(key);
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    this.refuse(key, value, 'expected a number above 0');
    return 1;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.raw(key);
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'boolean') return value;
    this.refuse(key, value, 'expected true or false');
    return fallback;
  }

  raw(key: string): unknown {
    this.known.add(key);
    return this.json[key];
  }

  /** Refuses every value of `key` but the listed ones (absent and null are always accepted). */
  only(key: string, accepted: readonly unknown[], why: string): void {
    const value = this.raw(key);
    if (value === undefined || value === null || accepted.includes(value)) return;
    this.refuse(key, value, why);
  }

  /** Fields that do not change what the model computes. */
  harmless(keys: readonly string[]): void {
    for (const key of keys) this.known.add(key);
  }

  refuse(key: string, value: unknown, expected: string): void {
    const found = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
    this.problems.push({ file: this.file, where: key, severity: 'error', found, expected });
  }

  /** Throws if anything was refused; otherwise names the fields that nobody asked for. */
  finish(): readonly Problem[] {
    if (this.problems.length > 0) throw KernelError.refused(this.problems);
    return Object.keys(this.json)
      .filter((key) => !this.known.has(key) && !key.startsWith('_'))
      .map((key) => ({
        file: this.file,
        where: key,
        severity: 'warning' as const,
        found: `is ${JSON.stringify(this.json[key])}, a field this version does not know`,
        expected: 'expected a field that does not change the computation',
      }));
  }
}
