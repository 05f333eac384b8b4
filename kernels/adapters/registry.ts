/** @file All adapter methods, by their id in the configuration. */
import { dora } from './methods/dora';
import { lora } from './methods/lora';
import { mora } from './methods/mora';
import type { AnyAdapterMethod } from './types';

export const adapterMethods: readonly AnyAdapterMethod[] = [lora, dora, mora];

export function adapterMethod(id: string): AnyAdapterMethod | undefined {
  return adapterMethods.find((m) => m.id === id);
}
