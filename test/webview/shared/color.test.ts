/** @file Text on colours. */
import { expect, it } from 'vitest';
import { textColor } from '../../../webview/shared/color';

it('text on a colour is black or white, whichever has the better contrast', () => {
  expect([textColor([255, 255, 255]), textColor([0, 0, 0]), textColor([55, 148, 255])]).toEqual([
    '#000000',
    '#ffffff',
    '#000000',
  ]);
});
