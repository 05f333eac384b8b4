/** @file Reads fields of a config.json with one problem per field that is missing, of the wrong type, or not supported. */
import * as l10n from '@vscode/l10n';
import { tokenIdProblem } from '../formats/tokenIds';
import { KernelError } from '../protocol/errors';
import type { Problem } from '../protocol/errors';
import { QUANTIZATION, quantizationBreaches } from './quantization';

/** Beyond what any model has, so that a wrong number ends in words and not in an array of that size. */
const MOST = 2 ** 31 - 1;

export class ConfigReader {
  private readonly problems: Problem[] = [];
  private readonly warnings: Problem[] = [];
  private readonly known = new Set<string>();

  constructor(
    private readonly json: Readonly<Record<string, unknown>>,
    private readonly file: string,
  ) {}

  /** A whole number from `least` to `most`; missing is a problem unless there is a default. */
  count(key: string, fallback?: number, most = MOST, least = 1): number {
    const value = this.raw(key);
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    const isTooMuch = typeof value === 'number' && value > most;
    this.refuse(
      key,
      value,
      isTooMuch
        ? l10n.t('expected a whole number of at most {0}', most)
        : l10n.t('expected a whole number of at least {0}', least),
    );
    return NaN; // no rule about other fields finds fault with it
  }

  positive(key: string, fallback?: number): number {
    const value = this.raw(key);
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    this.refuse(key, value, l10n.t('expected a number above 0'));
    return 1;
  }

  /** null says that there is none; a key that is left out has the default. */
  positiveOrNone(key: string, fallback: number | null): number | null {
    const value = this.raw(key);
    if (value === null || (value === undefined && fallback === null)) return null;
    return this.positive(key, fallback ?? undefined);
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.raw(key);
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'boolean') return value;
    this.refuse(key, value, l10n.t('expected true or false'));
    return fallback;
  }

  /** Ids of special tokens: below `vocabularySize`, lists of them for the tokens that end a text. */
  specialTokens(vocabularySize: number): void {
    for (const key of ['bos_token_id', 'eos_token_id', 'pad_token_id']) {
      const value = this.raw(key);
      const problem = tokenIdProblem(value, key, this.file);
      const beyond = [value ?? []].flat().find((id) => typeof id === 'number' && id >= vocabularySize);
      if (problem) this.problems.push(problem);
      else if (beyond !== undefined) {
        // Text never ends when the model cannot write the token that ends it; the others may go unused.
        const severity = key === 'eos_token_id' ? 'error' : 'warning';
        this.add(severity, key, value, l10n.t('expected ids below {0}, the vocab_size', vocabularySize));
      }
    }
  }

  /**
   * Code that comes with a checkpoint is never run, so a model that is defined by it cannot be known; but `published` says
   * which code is that of the family itself, from before libraries had it.
   */
  ownCode(published?: RegExp): void {
    const value = this.raw('auto_map');
    if (value === undefined || value === null) return;
    const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : undefined;
    if (!entries) return this.refuse('auto_map', value, l10n.t('expected an object'));
    const isModel = entries.some(([name, code]) => name.startsWith('AutoModel') && !published?.test(String(code)));
    const why = isModel
      ? l10n.t('expected a model that needs no code of its own')
      : l10n.t('it is never run and has no effect here');
    this.add(isModel ? 'error' : 'warning', 'auto_map', value, l10n.t('{0}; code of checkpoints is not run', why));
  }

  /** The id of one special token. */
  tokenId(key: string, fallback: number): number {
    const value = this.raw(key) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
    this.refuse(key, value, l10n.t('expected the id of a token'));
    return fallback;
  }

  /** Names a value that has no effect here. */
  unusual(key: string, accepted: readonly unknown[], why: string): void {
    const value = this.raw(key);
    if (value === undefined || value === null || accepted.includes(value)) return;
    this.add('warning', key, value, l10n.t('expected {0}; {1}', accepted.join(' or '), why));
  }

  /**
   * The classes a checkpoint was saved from. Another head than that of a language model says something about its use; where
   * the head is read, another one makes the checkpoint another model.
   */
  classNames(known = /ForCausalLM|LMHead/, severity: Problem['severity'] = 'warning'): void {
    const value = this.raw('architectures');
    if (value === undefined || value === null) return;
    const isList = Array.isArray(value) && value.every((name) => typeof name === 'string');
    if (!isList) return this.refuse('architectures', value, l10n.t('expected a list of names'));
    if (value.length === 0 || value.some((name) => known.test(name))) return;
    const expected =
      severity === 'error'
        ? l10n.t('expected a class for sequence classification or for pretraining')
        : l10n.t('expected a class for causal language models');
    this.add(severity, 'architectures', value, expected);
  }

  /** Which quantised weights are read at all; whether they are as it says is seen when the weights are. */
  quantization(): void {
    for (const { where, value, severity, expected } of quantizationBreaches(this.raw(QUANTIZATION))) {
      this.add(severity, where, value, expected);
    }
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
    this.add('error', key, value, expected);
  }

  private add(severity: Problem['severity'], where: string, value: unknown, expected: string): void {
    const found = value === undefined ? l10n.t('is missing') : l10n.t('is {0}', shortJson(value));
    (severity === 'error' ? this.problems : this.warnings).push({ file: this.file, where, severity, found, expected });
  }

  /** Throws if anything was refused; otherwise names the fields that nobody asked for. */
  finish(): readonly Problem[] {
    if (this.problems.length > 0) throw KernelError.refused(this.problems);
    const unknown = Object.keys(this.json)
      .filter((key) => !this.known.has(key) && !key.startsWith('_') && this.json[key] !== null)
      .map((key) => ({
        file: this.file,
        where: key,
        severity: 'warning' as const,
        found: l10n.t('is {0}, a field this version does not know', shortJson(this.json[key])),
        expected: l10n.t('expected a field that does not change the computation'),
      }));
    return [...this.warnings, ...unknown];
  }
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
