/** @file Mixing of colours in the notations that computed styles have. */

export type Rgb = readonly [number, number, number];

/** `rgb(1, 2, 3)`, `rgba(1, 2, 3, 0.5)` (the alpha is dropped) or `#rrggbb`. */
export function parseColor(text: string): Rgb {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(text);
  if (hex) return [parseInt(hex[1]!, 16), parseInt(hex[2]!, 16), parseInt(hex[3]!, 16)];
  const [r = 0, g = 0, b = 0] = (text.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
}

/** `share` 0 is all `a`, 1 is all `b`. */
export function mix(a: string, b: string, share: number): string {
  const [from, to] = [parseColor(a), parseColor(b)];
  return `rgb(${from.map((channel, i) => Math.round(channel + (to[i]! - channel) * share)).join(', ')})`;
}

export function withAlpha(color: string, alpha: number): string {
  return `rgba(${parseColor(color).join(', ')}, ${alpha})`;
}
