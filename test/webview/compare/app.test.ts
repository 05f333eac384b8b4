/** @file The comparison of runs as a page: results, curves and configurations side by side. */
import '../elementInternals';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunInfo } from '../../../kernels/protocol/types';
import { Comparison } from '../../../webview/compare/app';
import { compareFigures } from '../../../webview/compare/figures';
import { CompareStore } from '../../../webview/compare/store';
import type { ComparedRun, ComparePage } from '../../../webview/protocol/compare';
import { readTheme, watchTheme } from '../../../webview/shared/theme';
import { TRACES } from '../dashboard/answers';
import { FakeHost, fakeState, settled } from '../fakeHost';

afterEach(() => document.body.replaceChildren());

const run = (id: string, r: number, loss: number): ComparedRun => ({
  folder: `/runs/tiny-${id}`,
  info: {
    name: 'tiny',
    config: { model: '/base', adapter: { r } },
    parameters: { base: 1, trainable: r * 1000 },
  } as unknown as RunInfo,
  state: { status: 'finished', pid: 1, host: '', heartbeat: 0, step: 4, total_steps: 4, best: { step: 2, loss } },
  isGone: false,
  lastLoss: 1.5,
  lastEvalLoss: loss,
  stepSeconds: 60,
  tokensPerSecond: 100,
  peakRss: 1e9,
});
const RUNS = [run('aaaa', 8, 1.25), run('bbbb', 16, 1.125)];

async function openPage() {
  const state = fakeState();
  const host = new FakeHost<ComparePage>({
    'page/open': () => ({ runs: RUNS, revision: 1, spectraRevision: 1 }),
    'series/get': () => RUNS.map(() => TRACES),
    'rank/means': () => RUNS.map((_, i) => ({ of: 'delta', steps: [0, 4], values: [i, 2 + i] })),
    'run/open': () => {},
    'save/png': () => {},
  });
  const page = new Comparison();
  page.store = new CompareStore(host, state);
  page.theme = watchTheme(document);
  document.body.append(page);
  await page.store.open();
  await settled();
  await settled();
  return { host, page, state };
}

const rowOf = (page: Element, name: string) =>
  [...page.querySelectorAll('tr')]
    .find((row) => row.querySelector('th')?.textContent?.trim() === name)!
    .querySelectorAll('td');

describe('the comparison', () => {
  it('marks the best result of a row, in words too', async () => {
    const { page } = await openPage();
    const cells = rowOf(page, 'Best eval loss');
    expect(cells[1]!.className).toBe('best');
    expect(cells[1]!.textContent.replace(/\s+/g, ' ')).toContain('1.125 at step 2');
    expect(cells[1]!.querySelector('.visually-hidden')!.textContent).toBe('best');
    expect(page.querySelectorAll('.best')).toHaveLength(2);
    expect(rowOf(page, 'Time in steps')[0]!.className).toBe('');
  });

  it('shows only the keys that differ until all are asked for', async () => {
    const { page, store } = await openPage().then(({ page: p }) => ({ page: p, store: p.store }));
    const keys = () => [...page.querySelectorAll('.configurations tbody th')].map((th) => th.textContent);
    expect(keys()).toEqual(['adapter.r']);
    store.choices.areAllKeysShown.value = true;
    await settled();
    expect(keys()).toEqual(['model', 'adapter.r']);
  });

  it('keeps its runs for a reload of the window', async () => {
    const { state } = await openPage();
    expect((state.getState() as { runs: string }).runs).toBe('["/runs/tiny-aaaa","/runs/tiny-bbbb"]');
  });

  it('leads to the dashboard of each run', async () => {
    const { host, page } = await openPage();
    page.querySelectorAll<HTMLElement>('.link-button')[1]!.click();
    expect(host.paramsOf('run/open')).toEqual([{ folder: '/runs/tiny-bbbb' }]);
  });
});

describe('curves of several runs', () => {
  const context = { names: ['a', 'b'], theme: readTheme(document), isLogY: false };
  const figures = compareFigures({ x: 'step', runs: [TRACES, TRACES] }, context);
  const loss = figures.find(({ id }) => id === 'loss')!;

  it('are told apart by colour and by dash, the same in every plot', () => {
    const [a, b] = loss.figure.curves;
    expect(a!.style.color).not.toBe(b!.style.color);
    expect(a!.style.dash).not.toBe(b!.style.dash);
    for (const { figure } of figures) {
      for (const curve of figure.curves) {
        const { color, dash } = loss.figure.curves[Number(curve.legendKey)]!.style;
        expect(curve.style).toMatchObject({ color, dash });
      }
    }
  });

  it('are the smoothed ones where smoothing is on', () => {
    expect(loss.figure.curves[0]!.y).toEqual([4, 3.5, 2.75, 2.1]);
    expect(loss.legend.map(({ name }) => name)).toEqual(['a', 'b']);
  });
});
