/** @file Fuzzes the readers of JSON: configurations of models and adapters, index files, tokenizers, data. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readRows } from '../../../kernels/data/rows';
import { readCheckpointIndex } from '../../../kernels/formats/checkpointIndex';
import { decodeUtf8 } from '../../../kernels/formats/jsonFile';
import { jsonValue, parseJsonObject } from '../../../kernels/formats/jsonTree';
import { newPeftLoraConfig } from '../../../kernels/formats/peft';
import { parsePeftConfig } from '../../../kernels/formats/peftConfig';
import { loadTokenizer } from '../../../kernels/formats/tokenizer';
import { architectureOf } from '../../../kernels/models/registry';
import { KernelError } from '../../../kernels/protocol/errors';
import { TINY_CONFIG } from '../../support/tinyConfig';
import { tinyTokenizerFiles } from '../../support/tinyTokenizer';
import type { FuzzTarget } from './targets';

const FILE = 'fuzz.json';

const json = (value: unknown, indent?: number): Buffer => Buffer.from(JSON.stringify(value, undefined, indent));

function textOf(bytes: Buffer): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw KernelError.invalid([
    { file: FILE, severity: 'error', found: 'this is not UTF-8', expected: 'expected UTF-8' },
  ]);
}

/** A folder for readers that take a file; it lives as long as the process. */
let folder: string | undefined;
function written(name: string, bytes: Buffer): string {
  if (folder === undefined) {
    const made = mkdtempSync(path.join(tmpdir(), 'adapter-studio-fuzz-'));
    folder = made;
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  const file = path.join(folder, name);
  rmSync(file, { force: true }); // some file systems flush a file to disk when it is truncated and written again
  writeFileSync(file, bytes);
  return file;
}

export const modelConfigs: FuzzTarget = {
  name: 'config',
  count: 50_000,
  seeds: [
    json(TINY_CONFIG),
    json({
      ...TINY_CONFIG,
      model_type: 'qwen2',
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 32,
      },
      sliding_window: 32,
      eos_token_id: [1, 2],
    }),
  ],
  read: (bytes) => {
    const config = jsonValue(parseJsonObject(textOf(bytes), FILE)) as Readonly<Record<string, unknown>>;
    const architecture = architectureOf(config, FILE);
    architecture.tensors(architecture.parseConfig(config, FILE, () => true).config);
  },
};

export const adapterConfigs: FuzzTarget = {
  name: 'adapter-config',
  count: 50_000,
  seeds: [
    json(newPeftLoraConfig({ r: 16, target_modules: ['q_proj', 'v_proj'] }), 2),
    json({ ...newPeftLoraConfig({ use_dora: true, rank_pattern: { 'q.*': 4 } }), corda_config: null, extra: 1 }),
  ],
  read: (bytes) => parsePeftConfig(textOf(bytes), FILE),
};

export const checkpointIndexes: FuzzTarget = {
  name: 'index',
  count: 20_000,
  seeds: [
    json({
      metadata: { total_size: 12 },
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
    }),
  ],
  read: (bytes) => readCheckpointIndex(written('model.safetensors.index.json', bytes)),
};

const tokenizerFile = Buffer.from(tinyTokenizerFiles()['tokenizer.json'] ?? '');

export const tokenizers: FuzzTarget = {
  name: 'tokenizer',
  count: 5_000,
  seeds: [tokenizerFile],
  read: (bytes) => {
    const tokenizer = loadTokenizer(path.dirname(written('tokenizer.json', bytes)));
    const ids = tokenizer.encode('A text with ünï \ud83d\ude00 and <|special|> tokens.');
    if (ids.some((id) => !Number.isInteger(id) || id < 0 || id >= tokenizer.vocabularySize)) {
      throw new Error(`a tokenizer was accepted that makes the ids ${ids.slice(0, 20).join(' ')}`);
    }
    tokenizer.decode(ids);
  },
};

const rows = [
  { text: 'a line' },
  { prompt: 'a', completion: 'b' },
  { messages: [{ role: 'user', content: 'ü' }], tools: null },
];

/** Rows are read or are faults; a reader that throws is a defect. */
async function readAll(name: string, bytes: Buffer): Promise<void> {
  for await (const chunk of readRows(written(name, bytes))) {
    for (const { line, fault, value } of chunk.rows) {
      if (!(line >= 1) || (fault === undefined) === (value === undefined)) throw new Error(`row of line ${line}`);
    }
  }
}

export const jsonLines: FuzzTarget = {
  name: 'json-lines',
  count: 20_000,
  seeds: [Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')), Buffer.from('\ufeff{"text":"a"}\r\n\r\n')],
  read: (bytes) => readAll('fuzz.jsonl', bytes),
};

export const jsonLists: FuzzTarget = {
  name: 'json-list',
  count: 20_000,
  seeds: [json(rows), json(rows, 2)],
  read: (bytes) => readAll('fuzz.json', bytes),
};
