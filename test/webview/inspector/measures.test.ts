import { expect, it } from 'vitest';
import type { AdapterModuleEntry, TensorRole } from '../../../kernels/protocol/calls/inspect';
import { parametersOf } from '../../../webview/inspector/measures';

it('a copy, as MoRA files hold their matrix once more, is no parameter of its own', () => {
  const tensor = (role: TensorRole) => ({ name: role, dtype: 'F32', shape: [4, 4], bytes: 64, role }) as const;
  const tensors = { lora_A: tensor('trained'), lora_B: tensor('copy') };
  const module: AdapterModuleEntry = { module: 'q_proj', layer: 0, shape: [8, 8], parameters: 16, tensors };
  expect(parametersOf([module])).toEqual(['lora_A']);
});
