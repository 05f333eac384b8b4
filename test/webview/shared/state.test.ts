import { describe, expect, it } from 'vitest';
import { KernelError } from '../../../kernels/protocol/errors';
import { mix, parseColor, withAlpha } from '../../../webview/shared/color';
import { Failures } from '../../../webview/shared/failures';
import { Pull } from '../../../webview/shared/pull';
import { readTheme, watchTheme } from '../../../webview/shared/theme';
import { keptChoices } from '../../../webview/shared/uiState';
import { fakeState, settled } from '../fakeHost';

describe('kept choices', () => {
  it('are written back when they change, and read again by the next page', () => {
    const state = fakeState();
    keptChoices(state, { isLogY: false, module: null as string | null }).module.value = 'm';
    expect(state.getState()).toEqual({ isLogY: false, module: 'm' });
    expect(keptChoices(state, { isLogY: true, module: null as string | null }).isLogY.value).toBe(false);
  });

  it('ignore what has another type', () => {
    expect(keptChoices(fakeState({ smoothing: '0.5' }), { smoothing: 0.1 }).smoothing.value).toBe(0.1);
  });
});

describe('failures', () => {
  it('hold one entry for each action and none for what was cancelled', async () => {
    const failures = new Failures();
    await failures.attempt('read', Promise.reject(new Error('a')));
    await failures.attempt('read', Promise.reject(new Error('b')));
    await failures.attempt('save', Promise.reject(new KernelError('cancelled', 'no')));
    expect(failures.list.value).toEqual([{ action: 'read', message: 'b' }]);
    expect(await failures.attempt('read', Promise.resolve(1))).toBe(1);
    expect(failures.list.value).toEqual([]);
  });
});

describe('a pull', () => {
  it('runs one request at a time and one more for all wishes meanwhile', async () => {
    let running = 0;
    let runs = 0;
    const pull = new Pull(async () => {
      expect(++running).toBe(1);
      runs++;
      await settled();
      running--;
    });
    for (let i = 0; i < 5; i++) pull.request();
    await settled();
    await settled();
    await settled();
    expect(runs).toBe(2);
  });
});

describe('colours', () => {
  it('are read from hexadecimal and functional notation', () => {
    expect(parseColor('#3794ff')).toEqual([55, 148, 255]);
    expect(parseColor('rgba(234, 92, 0, 0.33)')).toEqual([234, 92, 0]);
    expect(mix('#000000', 'rgb(100, 200, 50)', 0.5)).toBe('rgb(50, 100, 25)');
    expect(withAlpha('#ffffff', 0.2)).toBe('rgba(255, 255, 255, 0.2)');
  });
});

describe('the theme', () => {
  it('tells the light high-contrast theme from the dark one, whose class it also has', () => {
    document.body.className = 'vscode-high-contrast-light vscode-high-contrast';
    expect(readTheme(document).kind).toBe('high-contrast-light');
    document.body.className = '';
  });

  it('is read again when the editor changes it', async () => {
    const theme = watchTheme(document);
    document.body.className = 'vscode-light';
    await settled();
    expect(theme.value.kind).toBe('light');
    document.body.className = '';
  });
});
