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

/** Black or white, whichever has more contrast (relative luminance of WCAG 2). */
export function textColor([r, g, b]: Rgb): string {
  const linear = (channel: number) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) ? '#000000' : '#ffffff';
}
