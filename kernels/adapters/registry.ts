/** @file All adapter methods, by their id in the configuration. */
import { asylora } from './methods/asylora';
import { bitfit } from './methods/bitfit';
import { dora } from './methods/dora';
import { dvora } from './methods/dvora';
import { full } from './methods/full';
import { lastLayers } from './methods/last_layers';
import { lora } from './methods/lora';
import { mora } from './methods/mora';
import { reslora } from './methods/reslora';
import { vera } from './methods/vera';
import type { AnyAdapterMethod } from './types';

export const adapterMethods: readonly AnyAdapterMethod[] = [
  lora,
  dora,
  mora,
  reslora,
  asylora,
  vera,
  dvora,
  full,
  lastLayers,
  bitfit,
];

export function adapterMethod(id: string): AnyAdapterMethod | undefined {
  return adapterMethods.find((m) => m.id === id);
}
