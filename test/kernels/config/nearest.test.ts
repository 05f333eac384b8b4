import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, likely, nearest } from '../../../kernels/config/nearest';

test('the nearest name is one that contains the word, then one it abbreviates, then the one with fewest edits', () => {
  const known = ['learning_rate', 'per_device_train_batch_size', 'num_train_epochs', 'seed', 'shuffle'];
  expect(nearest('batch_size', known)).toBe('per_device_train_batch_size');
  expect(nearest('lr', known)).toBe('learning_rate');
  expect(nearest('epochs', known)).toBe('num_train_epochs');
  expect(nearest('sufle', known)).toBe('shuffle');
  expect(nearest('x', [])).toBeUndefined();
});

test('a likely name is a slip, a part, an abbreviation, or has words behind it; anything else is no name', () => {
  const known = ['true', 'gaussian', 'pissa', 'pissa_niter_4', 'b-random', 'learning_rate', 'lora'];
  expect(likely('gausian', known)).toBe('gaussian');
  expect(likely('niter_4', known)).toBe('pissa_niter_4');
  expect(likely('lr', known)).toBe('learning_rate');
  expect(likely('LORA', known)).toBe('lora');
  expect(likely('lora-fast', known)).toBe('lora');
  expect(likely('eva', known)).toBeUndefined();
  expect(likely('relora', ['lora'])).toBe('lora');
  expect(likely('adalora', ['lora'])).toBeUndefined();
  expect(likely('x', [])).toBeUndefined();
});

test('edit distance is a metric that counts swapped neighbours once', () => {
  expect(editDistance('seed', 'sede')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});
