import '../elementInternals';
import { afterEach, describe, expect, it } from 'vitest';
import { Dashboard } from '../../../webview/dashboard/app';
import { DashboardStore } from '../../../webview/dashboard/store';
import type { DashboardPage } from '../../../webview/protocol/dashboard';
import { watchTheme } from '../../../webview/shared/theme';
import { FakeHost, fakeState, settled } from '../fakeHost';
import { dashboardAnswers, snapshot } from './answers';

afterEach(() => document.body.replaceChildren());

async function openPage(answers: Partial<ReturnType<typeof dashboardAnswers>> = {}) {
  const host = new FakeHost<DashboardPage>({ ...dashboardAnswers(), ...answers });
  const page = new Dashboard();
  page.store = new DashboardStore(host, fakeState());
  page.theme = watchTheme(document);
  document.body.append(page);
  await page.store.open();
  await settled();
  return { host, page };
}

const buttonNamed = (page: Element, name: string) =>
  [...page.querySelectorAll<HTMLElement>('vscode-button, button')].find((b) => b.textContent?.trim() === name)!;

describe('the dashboard', () => {
  it('shows how the run stands', async () => {
    const { page } = await openPage();
    const facts = page.querySelector('.facts')!.textContent.replace(/\s+/g, ' ');
    expect(facts).toContain('Step 4 / 10');
    expect(facts).toContain('Time left 1 min 15 s');
    expect(facts).toContain('Memory 812 MB');
    expect(page.querySelector('vscode-badge')!.textContent).toContain('Running');
  });

  it('follows the events of the host', async () => {
    const { host, page } = await openPage();
    host.emit('run/changed', snapshot({ revision: 2, state: { ...snapshot().state, status: 'finished', step: 10 } }));
    await settled();
    expect(page.querySelector('vscode-badge')!.textContent).toContain('Finished');
    expect(host.paramsOf('series/get')).toHaveLength(2);
  });

  it('waits for the first step while there are no points', async () => {
    const { page } = await openPage({ 'series/get': () => [] });
    expect(page.querySelector('[data-plot=loss]')!.textContent).toContain('Waiting for the first step…');
  });

  it('says why a run failed', async () => {
    const error = 'The loss of step 5 is not a number.';
    const failed = snapshot({ state: { ...snapshot().state, status: 'failed', error } });
    const { page } = await openPage({ 'page/open': () => failed, 'series/get': () => [] });
    expect(page.querySelector('.banner.error')!.textContent).toContain(error);
    expect(page.querySelector('[data-plot=loss]')!.textContent).toContain('The run ended before its first step.');
  });

  it('offers only what can be done', async () => {
    const { host, page } = await openPage();
    buttonNamed(page, 'Stop').click();
    buttonNamed(page, 'Resume').click();
    await settled();
    expect(host.paramsOf('run/command')).toEqual([{ command: 'stop' }]);
    expect(buttonNamed(page, 'Resume').getAttribute('aria-disabled')).toBe('true');
  });

  it('shows a call that failed, until the same call works again', async () => {
    let isBroken = true;
    const { host, page } = await openPage({
      'series/get': () => {
        if (isBroken) throw new Error('no such folder');
        return [];
      },
    });
    expect(page.querySelector('[role=alert]')!.textContent).toContain('Could not read the curves: no such folder');
    isBroken = false;
    host.emit('run/changed', snapshot({ revision: 2 }));
    await settled();
    expect(page.querySelector('[role=alert]')!.textContent.trim()).toBe('');
  });

  it('gives every plot a name and a table', async () => {
    const { page } = await openPage();
    const plot = page.querySelector('[data-plot=loss]')!;
    expect(plot.querySelector('[role=application]')!.getAttribute('aria-label')).toContain('Loss over step');
    plot.querySelector<HTMLElement>('[aria-label="Loss as a table"]')!.click();
    await settled();
    const rows = [...plot.querySelectorAll('tbody tr')].map((tr) =>
      [...tr.children].map((cell) => cell.textContent.trim()),
    );
    expect(rows).toEqual([
      ['0', '', '', '4.2'],
      ['1', '4', '4', ''],
      ['2', '3', '3.5', ''],
      ['3', '2', '2.75', ''],
      ['4', '1.5', '2.1', '1.9'],
    ]);
  });
});
