/** @file Paths in what the command line says: from the working folder where they are below it. */
import { expect, test } from 'vitest';
import { shortPaths } from '../../../../kernels/server/cli/command';

test('a path below the folder is written from there, wherever it stands, but for what is quoted', () => {
  expect(shortPaths('/a/b/x.yaml:3: found /a/b/c/d; expected (/a/b/f), "/a/b/e"', '/a/b')).toBe(
    'x.yaml:3: found c/d; expected (f), "/a/b/e"',
  );
});

test('other paths stay whole', () => {
  for (const text of ['/a/bc/x', '/z/a/b/x', '/a/b is it', '/a/x', './a/b/c'])
    expect(shortPaths(text, '/a/b')).toBe(text);
  expect(shortPaths('/a/b', '/')).toBe('/a/b');
});
