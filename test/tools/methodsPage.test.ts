import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { adapterMethods } from '../../kernels/adapters/registry';
import { withMethods } from './docs/methodsPage';

it('docs/methods.md says what the registry says; `npm run docs` writes it', () => {
  const page = readFileSync('docs/methods.md', 'utf8');
  expect(withMethods(page, adapterMethods)).toBe(page);
});
