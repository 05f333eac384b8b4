/** @file All adapter methods, by their id in the configuration. */
import { asylora } from './methods/asylora';
import { dora } from './methods/dora';
import { dvora } from './methods/dvora';
import { lora } from './methods/lora';
import { mora } from './methods/mora';
import { reslora } from './methods/reslora';
import { vera } from './methods/vera';
import type { AnyAdapterMethod } from './types';

export const adapterMethods: readonly AnyAdapterMethod[] = [lora, dora, mora, reslora, asylora, vera, dvora];

export function adapterMethod(id: string): AnyAdapterMethod | undefined {
  return adapterMethods.find((m) => m.id === id);
}
