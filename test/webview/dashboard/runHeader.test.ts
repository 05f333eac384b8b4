/** @file The head of the dashboard in the states in which a run does not simply run. */
import '../elementInternals';
import { afterEach, expect, it } from 'vitest';
import { Dashboard } from '../../../webview/dashboard/app';
import { DashboardStore } from '../../../webview/dashboard/store';
import { RUN_COMMANDS, type DashboardPage, type DashboardSnapshot } from '../../../webview/protocol/dashboard';
import { watchTheme } from '../../../webview/shared/theme';
import { FakeHost, fakeState, settled } from '../fakeHost';
import { dashboardAnswers, snapshot } from './answers';

afterEach(() => document.body.replaceChildren());

async function openPage(change: Partial<DashboardSnapshot>) {
  const host = new FakeHost<DashboardPage>({ ...dashboardAnswers(), 'page/open': () => snapshot(change) });
  const page = new Dashboard();
  page.store = new DashboardStore(host, fakeState());
  page.theme = watchTheme(document);
  document.body.append(page);
  await page.store.open();
  await settled();
  return { host, page };
}
const nothing = { stop: false, resume: false, merge: false, tryIt: false, inspect: false };
const button = (page: Element, name: string) =>
  [...page.querySelectorAll<HTMLElement>('.run-commands vscode-button')].find((b) => b.textContent?.trim() === name);

it('a queued run says what it waits for, and can leave the queue', async () => {
  const state = { ...snapshot().state, status: 'queued' as const, step: 0 };
  const { host, page } = await openPage({ state, queue: { place: 2, behind: 'questions' } });
  expect(page.querySelector('.banner.queue')!.textContent).toContain('at place 2. It waits for questions to end.');
  button(page, 'Cancel')!.click();
  expect(host.paramsOf('run/command')).toEqual([{ command: 'stop' }]);
});

it('a run whose folder is gone says so, keeps its numbers and offers nothing', async () => {
  const { page } = await openPage({ isGone: true, can: nothing });
  expect(page.querySelector('vscode-badge')!.textContent).toContain('Folder Is Gone');
  expect(page.querySelector('.banner.error')!.textContent).toContain('runs/tiny');
  expect(page.querySelector('.facts')!.textContent).toContain('4');
  const enabled = [...page.querySelectorAll('.run-commands vscode-button')].filter(
    (b) => b.getAttribute('aria-disabled') === 'false',
  );
  expect(enabled).toEqual([]);
});

it('the adapter can be tried and inspected', async () => {
  const { host, page } = await openPage({ can: { ...nothing, tryIt: true, inspect: true } });
  button(page, 'Try It')!.click();
  button(page, 'Inspect Adapter')!.click();
  expect(host.paramsOf('run/command')).toEqual([{ command: 'tryIt' }, { command: 'inspect' }]);
  expect(new Set(RUN_COMMANDS).size).toBe(RUN_COMMANDS.length);
});
