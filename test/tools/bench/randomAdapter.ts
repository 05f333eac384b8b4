/** @file A LoRA adapter folder as PEFT writes it, with random factors on all seven projections, as if it had been trained. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { fillUniform } from './randomValues';
import { projections, type LlamaShape } from './shapes';

/** Returns `dir`. The delta weight is about a tenth of the random base weights. */
export async function writeRandomAdapter(
  dir: string,
  shape: LlamaShape,
  base: string,
  r: number,
  alpha: number,
): Promise<string> {
  await mkdir(dir);
  const sizes = projections(shape);
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r,
    lora_alpha: alpha,
    lora_dropout: 0,
    target_modules: Object.keys(sizes).map((module) => module.split('.').at(-1)),
    bias: 'none',
    inference_mode: true,
  };
  await writeFile(join(dir, 'adapter_config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const tensors = Array.from({ length: shape.layers }, (_, layer) =>
    Object.entries(sizes).flatMap(([module, [out, inputs]]) => {
      const name = `base_model.model.model.layers.${layer}.${module}`;
      return [
        { name: `${name}.lora_A.weight`, dtype: 'F32' as const, shape: [r, inputs] },
        { name: `${name}.lora_B.weight`, dtype: 'F32' as const, shape: [out, r] },
      ];
    }),
  ).flat();
  const writer = SafetensorsWriter.create(join(dir, 'adapter_model.safetensors'), tensors, {
    metadata: new Map([['format', 'pt']]),
  });
  try {
    tensors.forEach(({ name, shape: [rows = 0, columns = 0] }, seed) =>
      writer.writeF32(name, fillUniform(new Float32Array(rows * columns), 0.02, seed + 1)),
    );
    writer.commit();
  } finally {
    writer.abort();
  }
  return dir;
}
