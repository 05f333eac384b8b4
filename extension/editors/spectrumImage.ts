/** @file The singular values of a few updates as a small picture: an SVG in a data address, which hovers can show. */
import { l10n } from 'vscode';
import type { UpdateFacts } from '../../kernels/protocol/calls/config';
import { formatNumber } from '../util/format';

export interface ImageColors {
  readonly line: string;
  readonly text: string;
  readonly grid: string;
}

export interface Image {
  readonly uri: string;
  readonly width: number;
  readonly height: number;
  /** The same in words. */
  readonly description: string;
}

const [WIDTH, HEIGHT] = [320, 120];
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 8, 8, 18];
/** Values that are smaller than the largest by more decades than these are drawn at the bottom. */
const MOST_DECADES = 6;

/** One line for each update: σᵢ over i, the values on a logarithmic scale of as many decades as they need. */
export function spectrumImage(updates: readonly UpdateFacts[], { line, text, grid }: ImageColors): Image {
  const count = Math.max(1, ...updates.map(({ singularValues }) => singularValues.length));
  const top = Math.max(0, ...updates.map(({ singularValues }) => singularValues[0] ?? 0));
  const least = Math.min(...updates.flatMap(({ singularValues }) => singularValues.filter((value) => value > 0)));
  const decades = Math.max(1, Math.min(MOST_DECADES, Math.ceil(Math.log10(top / least)) || 1));
  const x = (i: number) => LEFT + (WIDTH - LEFT - RIGHT) * (count === 1 ? 0.5 : i / (count - 1));
  const y = (share: number) => {
    const below = share <= 0 ? decades : Math.min(decades, -Math.log10(share));
    return TOP + (HEIGHT - TOP - BOTTOM) * (below / decades);
  };
  const opacity = Math.max(0.6, 1 / Math.sqrt(updates.length));
  const lines = updates.map(({ singularValues }) => {
    const points = singularValues.map((value, i) => `${round(x(i))},${round(y(top === 0 ? 0 : value / top))}`);
    return points.length === 1
      ? `<circle cx="${points[0]?.split(',')[0]}" cy="${points[0]?.split(',')[1]}" r="3" fill="${line}"/>`
      : `<polyline points="${points.join(' ')}" fill="none" stroke="${line}" stroke-width="1.5" stroke-opacity="${round(opacity)}"/>`;
  });
  const step = decades > 3 ? 2 : 1;
  const rules = Array.from({ length: Math.floor(decades / step) + 1 }, (_, i) => {
    const share = 10 ** (-step * i);
    const at = round(y(share));
    const label = top === 0 ? '0' : formatNumber(Number((top * share).toPrecision(2)));
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="${grid}"/><text x="${LEFT - 4}" y="${at + 4}" text-anchor="end">${label}</text>`;
  });
  const labels = `<text x="${LEFT}" y="${HEIGHT - 4}">1</text><text x="${WIDTH - RIGHT}" y="${HEIGHT - 4}" text-anchor="end">${count}</text><text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 4}" text-anchor="middle">σ</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="10" fill="${text}">${rules.join('')}${lines.join('')}${labels}</svg>`;
  return {
    uri: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`,
    width: WIDTH,
    height: HEIGHT,
    description: l10n.t('{0} singular values, the largest {1}', count, formatNumber(Number(top.toPrecision(3)))),
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
