/** @file All adapter methods, by their id in the configuration. */
import { asylora } from './methods/asylora';
import { dora } from './methods/dora';
import { lora } from './methods/lora';
import { mora } from './methods/mora';
import type { AnyAdapterMethod } from './types';

export const adapterMethods: readonly AnyAdapterMethod[] = [lora, dora, mora, asylora];

export function adapterMethod(id: string): AnyAdapterMethod | undefined {
  return adapterMethods.find((m) => m.id === id);
}
