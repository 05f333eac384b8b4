/** @file Sliding windows of the Qwen family: off unless `use_sliding_window`, and then only from layer `max_window_layers` on. */
import type { ConfigReader } from '../configReader';
import type { AttentionRule } from './attention';
import { readWindow, windowRules } from './windowRules';

/** Defaults of the published configuration. */
const WINDOW = 4096;
const FIRST_LAYER = 28;

export function qwenWindows(read: ConfigReader, layers: number, rule: AttentionRule): readonly AttentionRule[] {
  const stated = readWindow(read, WINDOW);
  const window = read.flag('use_sliding_window', false) ? stated : null;
  const from = read.count('max_window_layers', FIRST_LAYER, undefined, 0);
  const slides = (layer: number): boolean => window !== null && layer >= from;
  return windowRules(read, layers, window, slides, { full: rule, sliding: rule });
}
