import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatDuration,
  formatNumber,
  formatShare,
  formatShort,
} from '../../../webview/shared/format';

describe('formats', () => {
  it.each([
    [2.30712, '2.307'],
    [0.0002, '0.0002'],
    [1.23e-7, '1.23e-7'],
    [12_345_678, '1.235e7'],
    [0, '0'],
    [-0.5, '-0.5'],
    [NaN, 'not a number'],
    [Infinity, 'infinite'],
  ])('write the number %d as %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0, '0 s'],
    [59.6, '1 min'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
    [86_400 * 3 + 3600 * 4, '3 d 4 h'],
    [7199, '2 h'],
    [Infinity, '–'],
  ])('write %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it('write sizes, counts and shares with three digits', () => {
    expect(formatBytes(812_345_678)).toBe('812 MB');
    expect(formatBytes(0)).toBe('0 B');
    expect(formatShort(4_884_480)).toBe('4.88 M');
    expect(formatShort(812)).toBe('812');
    expect(formatShare(0.0036)).toBe('0.36 %');
    expect(formatShare(0.125)).toBe('12.5 %');
  });

  it('leave out the date of today', () => {
    const now = new Date(2026, 0, 2, 15, 4, 5);
    expect(formatClock(now.getTime() / 1000, now)).toBe('15:04:05');
    expect(formatClock(now.getTime() / 1000 - 86_400, now)).toBe('2026-01-01 15:04:05');
  });
});
