/** @file What is fuzzed: for each reader of foreign files some good texts, and the product's own function that reads them. */
import type { Random } from '../../../kernels/util/random';
import { headers } from './headers';
import { adapterConfigs, checkpointIndexes, jsonLines, jsonLists, modelConfigs, tokenizers } from './jsonTargets';

export interface FuzzTarget {
  readonly name: string;
  /** Texts that are accepted as they are. */
  readonly seeds: readonly Buffer[];
  /** How many inputs when nothing is said. */
  readonly count: number;
  /** Reads one input and throws what the reader throws; throws an `Error` of its own when what was accepted is wrong. */
  read(bytes: Buffer, random: Random): unknown;
}

export const targets: readonly FuzzTarget[] = [
  headers,
  modelConfigs,
  adapterConfigs,
  checkpointIndexes,
  tokenizers,
  jsonLines,
  jsonLists,
];
