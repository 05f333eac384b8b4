/** @file Samples on the dashboard: which step, compared with which, word by word. */
import '../elementInternals';
import { afterEach, describe, expect, it } from 'vitest';
import { Dashboard } from '../../../webview/dashboard/app';
import { DashboardStore } from '../../../webview/dashboard/store';
import { textDiff } from '../../../webview/dashboard/textDiff';
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
  await settled();
  return { host, page, store: page.store };
}

const texts = (page: Element) =>
  [...page.querySelectorAll('.sample-text')].map((p) => p.textContent.replace(/\s+/g, ' ').trim());
const changes = (page: Element, tag: 'ins' | 'del') =>
  [...page.querySelectorAll(`.sample-text ${tag}`)].map((e) => e.textContent);

describe('samples', () => {
  it('show the last step against the one before', async () => {
    const { page, host } = await openPage();
    expect(host.paramsOf('samples/at').at(-1)).toEqual({ steps: [4, 2] });
    expect(texts(page)).toEqual(['The sky is blue today.', 'Fish do. cut after 4 tokens']);
    expect(changes(page, 'ins')).toEqual([]);
  });

  it('show what is new and what is gone against the first step', async () => {
    const { page, store } = await openPage();
    store.choices.sampleBase.value = 'first';
    await settled();
    await settled();
    expect(changes(page, 'del')).toEqual(['grey']);
    expect(changes(page, 'ins')).toEqual(['blue today']);
  });

  it('follow the slider, and stay where it was put while samples are added', async () => {
    const { page, store, host } = await openPage();
    store.samples.choose(0);
    await settled();
    await settled();
    expect(host.paramsOf('samples/at').at(-1)).toEqual({ steps: [0] });
    expect(texts(page)[0]).toBe('The sky is grey.');
    host.emit('run/changed', snapshot({ revision: 2, samplesRevision: 2 }));
    await settled();
    await settled();
    expect(texts(page)[0]).toBe('The sky is grey.');
  });

  it('say how to get some where there are none', async () => {
    const { page } = await openPage({ 'samples/list': () => ({ steps: [], prompts: [] }) });
    expect(page.querySelector('.samples')!.textContent).toContain('samples: prompts:');
  });

  it('do not advise them for a model that answers for whole texts', async () => {
    const metric = { series: 'eval_metric', group: 'accuracy', x: [0, 5], y: [0.5, 0.75], isDecimated: false } as const;
    const { page } = await openPage({
      'samples/list': () => ({ steps: [], prompts: [] }),
      'series/get': () => [metric],
    });
    expect(page.querySelector('.samples')!.textContent).toContain('a label or a number');
  });
});

describe('the difference of two texts', () => {
  it('gives back both texts', () => {
    const [before, after] = ['Wer  weiß das\nschon?', 'Wer weiß\ndas denn schon'];
    const parts = textDiff(before, after);
    const without = (kind: string) => parts.flatMap((part) => (part.kind === kind ? [] : [part.text])).join('');
    expect(without('added')).toBe(before);
    expect(without('removed')).toBe(after);
  });

  it('does not search for ever in long texts that have nothing in common', () => {
    const words = (seed: number) => Array.from({ length: 4000 }, (_, i) => `w${seed}x${i}`).join(' ');
    expect(textDiff(words(1), words(2)).map(({ kind }) => kind)).toEqual(['removed', 'added']);
  });
});
