/** @file Pages of docs/ that follow from the code say what it says. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { adapterMethods } from '../../kernels/adapters/registry';
import { configurationPage } from './docs/configurationPage';
import { withMethods } from './docs/methodsPage';

it('docs/methods.md says what the registry says; `npm run docs` writes it', () => {
  const page = readFileSync('docs/methods.md', 'utf8');
  expect(withMethods(page, adapterMethods)).toBe(page);
});

it('docs/configuration.md says what the fields say; `npm run docs` writes it', () => {
  expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationPage());
});
