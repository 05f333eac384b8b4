/** @file What the reference's files call the tensors of a plan. */
import type { AdapterPlan, PlannedTensor } from '../../../kernels/adapters/plan';
import type { LoraParameter } from '../../../kernels/formats/peft';
import { embeddingName, peftCheckpointKey, peftParameterKey } from '../../../kernels/formats/peftKeys';

/** As in adapter_model.safetensors; as in the checkpoint, where tensors of the base are trained and there is no adapter. */
export function peftName({ kind, key, module, param }: PlannedTensor, plan: AdapterPlan): string {
  if (plan.selection.base) return key;
  if (kind === 'adapter') {
    const isEmbedding = plan.layers.some(({ site }) => site.path === module && site.kind === 'embedding');
    return peftParameterKey(module, isEmbedding ? embeddingName(param as LoraParameter) : (param as LoraParameter));
  }
  return peftCheckpointKey(key, new Set(plan.layers.map((l) => l.site.path)));
}
