/** @file Key names of PEFT files, current and older, both ways. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  LORA_PARAMETERS,
  parsePeftKey,
  peftCheckpointKey,
  peftParameterKey,
  SHARED_MODULE,
} from '../../../kernels/formats/peftKeys';

const q = 'model.layers.0.self_attn.q_proj';

test.each([
  [`base_model.model.${q}.lora_A.weight`, q, 'lora_A'],
  [`${q}.lora_A.weight`, q, 'lora_A'],
  [`base_model.model.${q}.lora_B.default.weight`, q, 'lora_B', 'default'],
  [`base_model.model.${q}.lora_B.my-adapter.weight`, q, 'lora_B', 'my-adapter'],
  [`base_model.model.${q}.lora_B.bias`, q, 'lora_B.bias'],
  [`base_model.model.${q}.lora_magnitude_vector`, q, 'lora_magnitude_vector'],
  [`base_model.model.${q}.lora_magnitude_vector.weight`, q, 'lora_magnitude_vector'],
  [`base_model.model.${q}.lora_magnitude_vector.default`, q, 'lora_magnitude_vector', 'default'],
  [`base_model.model.${q}.lora_magnitude_vector.default.weight`, q, 'lora_magnitude_vector', 'default'],
  [`base_model.model.${q}.weight_m_wdecomp.weight`, q, 'lora_magnitude_vector'],
  ['base_model.model.model.embed_tokens.lora_embedding_A', 'model.embed_tokens', 'lora_embedding_A'],
  ['base_model.model.model.embed_tokens.lora_embedding_B.default', 'model.embed_tokens', 'lora_embedding_B', 'default'],
])('%s', (key, module, parameter, adapterName?: string) => {
  const expected = { kind: 'parameter', module, parameter, ...(adapterName === undefined ? {} : { adapterName }) };
  expect(parsePeftKey(key)).toEqual(expected);
});

test.each([
  ['base_model.model.lm_head.weight', 'lm_head.weight'],
  ['lm_head.weight', 'lm_head.weight'],
  [`base_model.model.${q}.base_layer.bias`, `${q}.bias`],
  ['base_model.model.lm_head.modules_to_save.weight', 'lm_head.weight'],
  ['base_model.model.classifier.modules_to_save.default.dense.bias', 'classifier.dense.bias'],
])('%s is the checkpoint tensor %s', (key, name) => {
  expect(parsePeftKey(key)).toEqual({ kind: 'checkpoint', name });
});

test.each([
  `${q}.lora_A`,
  `${q}.lora_A.bias`,
  `${q}.lora_E.weight`,
  `${q}.lora_magnitude_vector.bias`,
  `${q}.lora_A.a.b.weight`,
])('%s is part of no adapter known here', (key) => expect(parsePeftKey(key)).toEqual({ kind: 'unknown' }));

test('every written name is read back', () => {
  const module = fc
    .array(fc.constantFrom('model', 'layers', '0', 'self_attn', 'q_proj', 'ä'), { minLength: 1 })
    .map((p) => p.join('.'));
  fc.assert(
    fc.property(module, fc.constantFrom(...LORA_PARAMETERS), (path, parameter) => {
      // These two lie outside of all modules.
      const isShared = parameter === 'vera_A' || parameter === 'vera_B';
      const own = { kind: 'parameter', module: isShared ? SHARED_MODULE : path, parameter };
      expect(parsePeftKey(peftParameterKey(own.module, parameter))).toEqual(own);
    }),
  );
  fc.assert(
    fc.property(module, fc.constantFrom('weight', 'bias'), fc.boolean(), (path, leaf, isAdapted) => {
      const key = peftCheckpointKey(`${path}.${leaf}`, new Set(isAdapted ? [path] : []));
      expect(key.includes('.base_layer.')).toBe(isAdapted);
      expect(parsePeftKey(key)).toEqual({ kind: 'checkpoint', name: `${path}.${leaf}` });
    }),
  );
});
