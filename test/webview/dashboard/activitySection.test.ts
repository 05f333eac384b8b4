/** @file The activity of a run on the dashboard: figures with rules and verdicts, and what is said where there are none. */
import '../elementInternals';
import { afterEach, describe, expect, it } from 'vitest';
import { Dashboard } from '../../../webview/dashboard/app';
import { DashboardStore } from '../../../webview/dashboard/store';
import type { DashboardPage } from '../../../webview/protocol/dashboard';
import { watchTheme } from '../../../webview/shared/theme';
import { FakeHost, fakeState, settled } from '../fakeHost';
import { ACTIVITY, dashboardAnswers, snapshot } from './answers';

afterEach(() => document.body.replaceChildren());

async function openPage(answers: Partial<ReturnType<typeof dashboardAnswers>> = {}) {
  const host = new FakeHost<DashboardPage>({ ...dashboardAnswers(), ...answers });
  const page = new Dashboard();
  page.store = new DashboardStore(host, fakeState());
  page.theme = watchTheme(document);
  document.body.append(page);
  await page.store.open();
  await settled();
  await settled();
  return { host, page };
}

const words = (element: Element | null | undefined): string => (element?.textContent ?? '').replace(/\s+/g, ' ').trim();
const cells = (page: Element, figure: string): string[] =>
  [...page.querySelectorAll(`.activity [data-figure=${figure}] > *`)].map(words);

describe('activity', () => {
  it('shows each figure with its value, its rule with the numbers in it, and its verdict in words', async () => {
    const { page } = await openPage();
    expect(cells(page, 'b-moved')).toEqual([
      'Smallest change of B model.layers.0.self_attn.q_proj',
      'Met',
      '0.25',
      'above 0 in every layer',
      '',
    ]);
    expect(cells(page, 'delta-rank')).toEqual(['Largest rank of ΔW lm_head', 'Not met', '5', 'at most r = 3', '']);
    expect(words(page.querySelector('.activity-verdict'))).toContain('The method does not do what it says');
  });

  it('draws the figure that is chosen', async () => {
    const { page } = await openPage();
    const title = () => words(page.querySelector('[data-plot=activity] h3'));
    expect(title()).toBe('Smallest change of B');
    page.querySelector<HTMLElement>('.activity [data-figure=delta-rank] button')!.click();
    await settled();
    expect(title()).toBe('Largest rank of ΔW');
    expect(page.querySelector('.activity [data-figure=delta-rank] button')?.getAttribute('aria-pressed')).toBe('true');
  });

  it('says that figures which are not red now were red before', async () => {
    const latest = { ...ACTIVITY.latest!, verdict: 'green' as const };
    const { page } = await openPage({ 'activity/get': () => ({ ...ACTIVITY, latest }) });
    expect(words(page.querySelector('.activity-verdict'))).toContain('It was red at 1 earlier steps.');
  });

  it('says why there is nothing: too early, or a run of an older version', async () => {
    const none = { latest: null, steps: [], values: {}, redSteps: {} };
    const early = await openPage({ 'activity/get': () => none });
    expect(words(early.page.querySelector('.activity'))).toContain('Nothing measured yet');
    document.body.replaceChildren();
    const { state } = snapshot();
    const old = await openPage({
      'activity/get': () => none,
      'page/open': () => snapshot({ state: { ...state, status: 'finished' } }),
    });
    expect(words(old.page.querySelector('.activity'))).toContain('an older version');
  });

  it('is read again when more was measured', async () => {
    const { page, host } = await openPage();
    expect(host.paramsOf('activity/get')).toHaveLength(1);
    host.emit('run/changed', snapshot({ revision: 2, activityRevision: 2 }));
    await settled();
    expect(host.paramsOf('activity/get')).toHaveLength(2);
    expect(page.querySelector('.activity')).not.toBeNull();
  });
});
