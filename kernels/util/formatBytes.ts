/** @file Sizes as a person reads them. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** `12.3 MB`: powers of 1000, as file managers show them. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
