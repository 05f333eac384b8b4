import '../elementInternals';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lora } from '../../../kernels/adapters/methods/lora';
import { buildConfigSchema } from '../../../kernels/config/schema';
import type { Problem } from '../../../kernels/protocol/errors';
import { ConfigForm } from '../../../webview/configForm/app';
import { ConfigFormStore } from '../../../webview/configForm/store';
import type { ConfigFormPage, FormDocument, FormSnapshot } from '../../../webview/protocol/configForm';
import { FakeHost, fakeState, settled } from '../fakeHost';

const uri = 'file:///w/a.adapter.yaml';
const values = { version: 1, model: './base', data: { train: 'a.jsonl' }, adapter: { method: 'lora', r: 16 } };
const document_ = (change: Partial<FormDocument> = {}): FormDocument => ({
  name: 'a.adapter.yaml',
  uri,
  isDirty: false,
  canUndo: false,
  values,
  problems: [],
  summary: {
    trainableParameters: 36_000,
    baseParameters: 1e6,
    adaptedModules: 14,
    linearModules: 14,
    method: 'lora',
    modelType: 'llama',
  },
  figures: { 'adapter.target_modules': '14 of 14 linear layers' },
  ...change,
});
const snapshotOf = (document: FormDocument | null, change: Partial<FormSnapshot> = {}): FormSnapshot => ({
  schema: buildConfigSchema([lora]),
  document,
  configurations: document ? [{ uri, name: document.name }] : [],
  canTrain: true,
  ...change,
});

afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
});

async function openForm(first: FormSnapshot) {
  const host = new FakeHost<ConfigFormPage>({
    'page/open': () => first,
    'form/set': () => {},
    'form/undo': () => {},
    'form/select': () => {},
    'form/browse': () => {},
    'form/command': () => {},
  });
  const page = new ConfigForm();
  page.store = new ConfigFormStore(host, fakeState());
  document.body.append(page);
  await page.store.open();
  await settled();
  return { host, page };
}
const input = (page: Element, key: string) => page.querySelector<HTMLInputElement>(`[data-key="${key}"] input`)!;
const train = (page: Element) => page.querySelector<HTMLElement>('.train')!;

describe('the configuration form', () => {
  it('takes back its last change with a button or a key, but leaves the keys of text inputs to the browser', async () => {
    const { host, page } = await openForm(snapshotOf(document_({ canUndo: true })));
    const press = (target: Element) => {
      const event = new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, bubbles: true, cancelable: true });
      target.dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(press(input(page, 'adapter.r'))).toBe(false);
    expect(press(page.querySelector('select')!)).toBe(true);
    page.querySelector<HTMLElement>('.undo')!.click();
    await settled();
    expect(host.calls.filter(({ method }) => method === 'form/undo').map(({ params }) => params)).toEqual([
      { uri },
      { uri },
    ]);
    host.emit('form/changed', snapshotOf(document_()));
    await settled();
    expect(page.querySelector<HTMLButtonElement>('.undo')!.disabled).toBe(true);
  });

  it('shows what follows from a value below it, and reads it to those who cannot see', async () => {
    const { page } = await openForm(snapshotOf(document_()));
    const row = page.querySelector('[data-key="adapter.target_modules"]')!;
    expect(row.querySelector('.figure')!.textContent).toBe('14 of 14 linear layers');
    expect(row.innerHTML).toContain('field-adapter-target_modules-figure field-adapter-target_modules-help');
    expect(page.querySelectorAll('.figure')).toHaveLength(1);
  });

  it('shows written values, and defaults as placeholders', async () => {
    const { page } = await openForm(snapshotOf(document_()));
    expect(input(page, 'adapter.r').value).toBe('16');
    expect(input(page, 'training.learning_rate').value).toBe('');
    expect(input(page, 'training.learning_rate').placeholder).toBe('0.0002');
    expect(page.querySelector('.summary')!.textContent).toBe(
      '36 k trainable parameters (3.6 % of 1 M) in 14 modules of a llama model',
    );
  });

  it('binds a label to every control', async () => {
    const { page } = await openForm(snapshotOf(document_()));
    const heads = [...page.querySelectorAll<HTMLLabelElement>('.field-head label')];
    expect(heads.length).toBeGreaterThan(25);
    for (const label of heads) expect(page.querySelector(`[id="${label.htmlFor}"]`), label.textContent).not.toBeNull();
  });

  it('sends what is typed after a pause, and at once when the field is left', async () => {
    const { host, page } = await openForm(snapshotOf(document_()));
    vi.useFakeTimers();
    const rank = input(page, 'adapter.r');
    rank.value = '3';
    rank.dispatchEvent(new Event('input'));
    rank.value = '32';
    rank.dispatchEvent(new Event('input'));
    vi.advanceTimersByTime(300);
    expect(host.paramsOf('form/set')).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(host.paramsOf('form/set')).toEqual([{ uri, path: ['adapter', 'r'], value: 32 }]);
    rank.value = '';
    rank.dispatchEvent(new Event('input'));
    rank.dispatchEvent(new Event('blur'));
    expect(host.paramsOf('form/set').at(-1)).toEqual({ uri, path: ['adapter', 'r'] });
  });

  it('sends what was half typed to the document it was typed for', async () => {
    const { host, page } = await openForm(snapshotOf(document_()));
    const rank = input(page, 'adapter.r');
    rank.value = '64';
    rank.dispatchEvent(new Event('input'));
    host.emit('form/changed', snapshotOf(document_({ uri: 'file:///w/b.adapter.yaml', name: 'b.adapter.yaml' })));
    await settled();
    expect(host.paramsOf('form/set')).toEqual([{ uri, path: ['adapter', 'r'], value: 64 }]);
  });

  it('puts a problem under its field, also one inside a list, and the rest above', async () => {
    const problem = (where: string): Problem => ({
      file: 'a',
      where,
      severity: 'error',
      found: `found ${where}`,
      expected: 'expected more',
    });
    const problems = [problem('adapter.r'), problem('data.train.0'), problem('adapter.rang')];
    const { page } = await openForm(snapshotOf(document_({ problems })));
    expect(page.querySelector('[data-key="adapter.r"] .problem')!.textContent).toContain(
      'Found adapter.r; expected more.',
    );
    expect(page.querySelector('[data-key="data.train"] .problem')!.textContent).toContain('data.train.0');
    expect(page.querySelectorAll('.problem-list li')).toHaveLength(1);
    expect(train(page).getAttribute('aria-disabled')).toBe('true');
    expect(page.querySelector('#train-obstacle')!.textContent).toBe('There are 3 errors to fix first.');
  });

  it('trains when nothing is in the way', async () => {
    const { host, page } = await openForm(snapshotOf(document_()));
    train(page).click();
    await settled();
    expect(host.paramsOf('form/command')).toEqual([{ command: 'train' }]);
  });

  it('does not train in a workspace that is not trusted', async () => {
    const { host, page } = await openForm(snapshotOf(document_(), { canTrain: false }));
    train(page).click();
    await settled();
    expect(host.paramsOf('form/command')).toEqual([]);
  });

  it('offers a new configuration where there is none', async () => {
    const { host, page } = await openForm(snapshotOf(null));
    page.querySelector<HTMLElement>('vscode-button')!.click();
    await settled();
    expect(host.paramsOf('form/command')).toEqual([{ command: 'new' }]);
  });

  it('chooses among several configurations', async () => {
    const configurations = [
      { uri, name: 'a.adapter.yaml' },
      { uri: 'file:///w/b.adapter.yaml', name: 'b.adapter.yaml' },
    ];
    const { host, page } = await openForm(snapshotOf(document_(), { configurations }));
    const select = page.querySelector<HTMLSelectElement>('#configuration')!;
    expect(select.value).toBe(uri);
    select.value = 'file:///w/b.adapter.yaml';
    select.dispatchEvent(new Event('change'));
    expect(host.paramsOf('form/select')).toEqual([{ uri: 'file:///w/b.adapter.yaml' }]);
  });

  it('keeps the last values while the text is broken, and says so', async () => {
    const { host, page } = await openForm(snapshotOf(document_()));
    host.emit('form/changed', snapshotOf(document_({ values: null })));
    await settled();
    expect(page.textContent).toContain('The file is not valid YAML, so the form cannot change it.');
    expect(page.querySelector('form')!.hasAttribute('inert')).toBe(true);
    expect(input(page, 'adapter.r').value).toBe('16');
  });
});
