/** @file The dashboard in a real browser: drawing, zoom, cursor, live points, theme changes, failures. */
import { expect, type Locator, type Page } from '@playwright/test';
import { callsOf, test } from './pageTest';

const plot = (page: Page, id: string): Locator => page.locator(`[data-plot=${id}]`);
const surface = (page: Page, id: string): Locator => plot(page, id).locator('.plot-surface');

async function drawn(page: Page, id = 'loss'): Promise<void> {
  await plot(page, id).locator('.main-svg .trace').first().waitFor({ state: 'attached' });
}

async function dragAcross(page: Page, id: string, from: number, to: number): Promise<void> {
  const box = (await surface(page, id).boundingBox())!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * ((from + to) / 2), y, { steps: 4 });
  await page.mouse.move(box.x + box.width * to, y, { steps: 4 });
  await page.mouse.up();
}

test('every plot is drawn as scatter or heat map, none falls back to WebGL', async ({ open }) => {
  const page = await open('dashboard');
  for (const id of ['loss', 'learning-rate', 'grad-norm', 'throughput', 'memory', 'rank', 'spectrum'])
    await drawn(page, id);
  await plot(page, 'rank-map').locator('.heatmaplayer image').waitFor({ state: 'attached' });
  expect(await page.locator('.no-webgl').count()).toBe(0);
  const types = await page.evaluate(() =>
    [...document.querySelectorAll('.plot-canvas')].flatMap((canvas) =>
      ((canvas as unknown as { _fullData: { type: string }[] })._fullData ?? []).map(({ type }) => type),
    ),
  );
  expect([...new Set(types)].sort()).toEqual(['heatmap', 'scatter']);
});

test('dragging over a plot zooms all metric plots and pulls that range again', async ({ open }) => {
  const page = await open('dashboard', { host: { run: '100k' } });
  await drawn(page);
  await dragAcross(page, 'loss', 0.4, 0.6);
  await expect.poll(async () => (await callsOf(page, 'series/get')).at(-1)).toHaveProperty('range');
  const { range } = (await callsOf(page, 'series/get')).at(-1) as { range: [number, number] };
  expect(range[0]).toBeGreaterThan(30_000);
  expect(range[1]).toBeLessThan(70_000);
  await page.getByRole('button', { name: 'Reset Zoom' }).click();
  await expect.poll(async () => (await callsOf(page, 'series/get')).at(-1)).not.toHaveProperty('range');
});

test('the zoom stays while points arrive', async ({ open }) => {
  const page = await open('dashboard', { host: { run: 'live' } });
  await drawn(page);
  await dragAcross(page, 'loss', 0.3, 0.5);
  await expect.poll(async () => (await callsOf(page, 'series/get')).at(-1)).toHaveProperty('range');
  const first = (await callsOf(page, 'series/get')).at(-1);
  await page.waitForTimeout(1500);
  expect((await callsOf(page, 'series/get')).at(-1)).toEqual(first);
});

test('points arrive in place: the drawing is changed, not replaced', async ({ open }) => {
  const page = await open('dashboard', { host: { run: 'live' } });
  await drawn(page);
  await page.evaluate(() => document.querySelector('[data-plot=loss] .main-svg')!.setAttribute('data-first', 'yes'));
  const step = page.locator('.facts dd').first();
  const before = await step.textContent();
  await expect(step).not.toHaveText(before ?? '');
  await page.waitForTimeout(1000);
  await expect(plot(page, 'loss').locator('.main-svg[data-first=yes]')).toHaveCount(1);
});

test('a plot that has no other points than before is left alone while others get theirs', async ({ open }) => {
  const page = await open('dashboard', { host: { run: 'live' } });
  for (const id of ['loss', 'learning-rate', 'grad-norm', 'throughput', 'memory', 'spectrum']) await drawn(page, id);
  await page.evaluate(() => {
    for (const id of ['loss', 'spectrum']) {
      const canvas = document.querySelector<HTMLElement>(`[data-plot=${id}] .plot-canvas`)!;
      const count = () => (canvas.dataset.drawings = String(Number(canvas.dataset.drawings ?? 0) + 1));
      // The plot library gives the element it draws in events of its own, and no types.
      (canvas as unknown as { on(event: string, heard: () => void): void }).on('plotly_react', count);
    }
  });
  const drawings = async (id: string) =>
    Number(await plot(page, id).locator('.plot-canvas').getAttribute('data-drawings'));
  const asked = async (method: string) => (await callsOf(page, method)).length;
  const [losses, spectra] = [await asked('series/get'), await asked('rank/spectrum')];
  await expect.poll(() => drawings('loss')).toBeGreaterThan(2);
  // A slow machine sees new spectra, too, but never as many as new losses; the first drawing may be reported late.
  expect(await drawings('spectrum')).toBeLessThanOrEqual(1 + (await asked('rank/spectrum')) - spectra);
  expect((await asked('series/get')) - losses).toBeGreaterThan((await asked('rank/spectrum')) - spectra);
});

test('the mouse shows the values under it', async ({ open }) => {
  const page = await open('dashboard');
  await drawn(page);
  const box = (await surface(page, 'loss').boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 80);
  await expect(surface(page, 'loss').locator('.plot-tooltip')).toContainText(/step \d+.*train loss \d/s);
});

test('arrow keys move a data cursor whose value is announced', async ({ open }) => {
  const page = await open('dashboard');
  await drawn(page);
  await surface(page, 'loss').focus();
  const spoken = plot(page, 'loss').locator('[aria-live=polite]');
  await page.keyboard.press('End');
  await expect(spoken).toContainText('step 800: train loss');
  await page.keyboard.press('ArrowLeft');
  await expect(spoken).toContainText('step 799: train loss');
  await page.keyboard.press('+');
  await expect.poll(async () => (await callsOf(page, 'series/get')).at(-1)).toHaveProperty('range');
  await page.keyboard.press('0');
  await expect.poll(async () => (await callsOf(page, 'series/get')).at(-1)).not.toHaveProperty('range');
});

test('axis, scale and smoothing ask for other curves and are kept', async ({ open }) => {
  const page = await open('dashboard');
  await drawn(page);
  await page.getByLabel('X axis').selectOption('time');
  await expect(plot(page, 'loss').locator('.xtitle')).toHaveText('time');
  await expect(plot(page, 'loss').locator('.xtick').nth(1)).toHaveText(/min|h|s/);
  await page.getByLabel('Log y').check();
  await page.getByLabel('Smoothing').fill('0');
  await expect.poll(async () => (await callsOf(page, 'series/get')).at(-1)).toMatchObject({ x: 'time', smoothing: 0 });
  const kept = await page.evaluate(() => (globalThis as unknown as { pageState(): unknown }).pageState());
  expect(kept).toMatchObject({ xAxis: 'time', isLogY: true, smoothing: 0 });
});

test('a cell of the map chooses the module whose singular values are shown', async ({ open }) => {
  const page = await open('dashboard');
  await plot(page, 'rank-map').locator('.heatmaplayer image').waitFor({ state: 'attached' });
  const map = surface(page, 'rank-map');
  await map.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await expect(plot(page, 'rank-map').locator('[aria-live=polite]')).toContainText('k_proj, layer 1: stable rank');
  await page.keyboard.press('Enter');
  await expect(plot(page, 'spectrum').getByRole('heading')).toHaveText('Singular values of layers.1.self_attn.k_proj');
  const box = (await map.boundingBox())!;
  await page.mouse.click(box.x + box.width - 20, box.y + 12);
  await expect(plot(page, 'spectrum').getByRole('heading')).toHaveText('Singular values of layers.11.self_attn.q_proj');
});

test('the step slider goes back in time and plays', async ({ open }) => {
  const page = await open('dashboard');
  const title = plot(page, 'rank-map').getByRole('heading');
  await expect(title).toHaveText('Stable rank at step 800');
  await page.locator('as-rank-section').getByRole('slider', { name: 'Step' }).focus();
  await page.keyboard.press('Home');
  await expect(title).toHaveText('Stable rank at step 50');
  await page.locator('as-rank-section').getByRole('button', { name: 'Play through the steps' }).click();
  await expect(title).toHaveText('Stable rank at step 800');
});

test('a plot is saved as a PNG by the host', async ({ open }) => {
  const page = await open('dashboard');
  await drawn(page);
  await page.getByRole('button', { name: 'Save Loss as PNG' }).click();
  await expect.poll(async () => (await callsOf(page, 'save/png')).length).toBe(1);
  const [saved] = (await callsOf(page, 'save/png')) as { name: string; dataUrl: string }[];
  expect(saved!.name).toBe('Loss');
  expect(saved!.dataUrl).toMatch(/^data:image\/png;base64,.{20000}/);
});

test('colours follow the theme without a reload', async ({ open }) => {
  const page = await open('dashboard', { theme: 'dark' });
  await drawn(page);
  const stroke = () =>
    plot(page, 'loss')
      .locator('.trace .js-line')
      .first()
      .evaluate((line) => getComputedStyle(line).stroke);
  const before = await stroke();
  await page.evaluate(() => {
    document.documentElement.style.setProperty('--vscode-charts-blue', '#0063d3');
    document.body.className = 'vscode-light';
  });
  await expect.poll(stroke).not.toBe(before);
});

test('a call that fails is shown and can be dismissed', async ({ open }) => {
  const page = await open('dashboard', { host: { fail: 'series/get' } });
  await expect(page.getByRole('alert').first()).toContainText('Could not read the curves: the run folder');
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(page.getByRole('alert').first()).toHaveText('');
});

test('run commands reach the host, and only those that are possible', async ({ open }) => {
  const page = await open('dashboard');
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.locator('vscode-badge')).toContainText('Stopping');
  await expect.poll(() => callsOf(page, 'run/command')).toEqual([{ command: 'stop' }]);
  await expect(page.getByRole('button', { name: 'Resume' })).toHaveAttribute('aria-disabled', 'true');
});

test('hidden curves leave plot, table and cursor', async ({ open }) => {
  const page = await open('dashboard');
  await drawn(page);
  await plot(page, 'loss').getByRole('button', { name: 'eval loss' }).click();
  await page.getByRole('button', { name: 'Loss as a table' }).click();
  await expect(plot(page, 'loss').locator('thead th')).toHaveText([
    'step',
    'train loss',
    'train loss, smoothed',
    'Marked',
  ]);
});

test('samples follow their own slider, and what has changed is told word by word', async ({ open }) => {
  const page = await open('dashboard');
  const first = page.locator('.sample-text').first();
  await expect(first).toContainText('Oslo, on the Oslofjord.');
  const slider = page.locator('.samples input[type=range]');
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(first).toHaveText('the the the capital the of of Norway');
  await slider.fill('7');
  await page.getByLabel('Compare with').selectOption('first');
  await expect(page.locator('.samples')).toContainText('Step 350 against step 0');
  await expect(first.locator('del').first()).toBeVisible();
  await expect(first.locator('ins').first()).toBeVisible();
});

test('a run without prompts says how to get samples', async ({ open }) => {
  const page = await open('dashboard', { host: { run: 'plain' } });
  await expect(page.locator('.samples .plot-empty')).toContainText('samples: prompts:');
});

test('what the watchdog saw is marked on the loss and told with the events', async ({ open }) => {
  const page = await open('dashboard');
  await drawn(page);
  await expect(plot(page, 'loss').locator('.plot-mark-alarm')).toHaveText(/The loss has jumped at step 679/);
  await expect(plot(page, 'grad-norm').locator('.plot-mark-alarm')).toHaveCount(0);
  await page.getByText('Events', { exact: true }).click();
  await expect(page.locator('.event-warning')).toContainText('Done: training goes on');
});

test('a DoRA run shows the rank of the directional update, and beside it that of the delta weight, by their names', async ({
  open,
}) => {
  const page = await open('dashboard', { host: { run: 'dora' } });
  const title = (id: string): Locator => plot(page, id).getByRole('heading');
  await expect(title('rank')).toHaveText('Stable rank of the directional update over training');
  await expect(title('rank-delta')).toHaveText('Stable rank of the delta weight over training');
  await expect(title('spectrum')).toContainText('of the directional update of layers.0');
  await page.getByLabel('Matrix').selectOption('delta');
  await expect(title('rank')).toHaveText('Stable rank of the delta weight over training');
  await expect(title('spectrum')).toHaveText('Singular values of the delta weight of layers.11.self_attn.q_proj');
  await expect(title('rank-direction')).toBeVisible();
});

test('restarts of the adapter are marked on the loss and the ranks, in their tables and for a screen reader', async ({
  open,
}) => {
  const page = await open('dashboard', { host: { run: 'restarts' } });
  for (const id of ['loss', 'rank', 'spectrum', 'activity']) {
    await drawn(page, id);
    await expect(plot(page, id).locator('.plot-mark-text').first()).toHaveText('cycle 2');
    await expect(surface(page, id)).toHaveAccessibleName(
      /Marked: Adapter merged and begun anew after step 200: cycle 2/,
    );
  }
  await page.getByRole('button', { name: 'Stable rank over training as a table' }).click();
  const row = plot(page, 'rank').getByRole('row').filter({ hasText: 'after step 400' });
  await expect(row.getByRole('rowheader')).toHaveText('400');
});

test('a run that starts says what it prepares and how far it is, and can be cancelled', async ({ open }) => {
  const page = await open('dashboard', { host: { run: 'starting' } });
  await expect(page.getByRole('status').filter({ hasText: 'Reading the base weights' })).toBeVisible();
  await expect(page.getByRole('progressbar', { name: 'Reading the base weights' })).toHaveAttribute('value', /0\.4/);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect.poll(() => callsOf(page, 'run/command')).toEqual([{ command: 'stop' }]);
});

test('a queued run says what it waits for and can leave', async ({ open }) => {
  const page = await open('dashboard', { host: { run: 'queued' } });
  await expect(page.locator('.banner.queue')).toContainText('It waits for questions to end');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect.poll(() => callsOf(page, 'run/command')).toEqual([{ command: 'stop' }]);
});

test('everything in the head is reached by keyboard', async ({ open }) => {
  const page = await open('dashboard');
  await drawn(page);
  const reached: (string | undefined)[] = [];
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement?.textContent?.trim()));
  }
  for (const name of ['Stop', 'Try It', 'Inspect Adapter', 'Merge', 'Configuration', 'Open Folder', 'Log'])
    expect(reached).toContain(name);
});

test('a finished run that gained nothing says so under its head, with what to do', async ({ open }) => {
  const page = await open('dashboard', { host: { run: 'ruined' } });
  await expect(page.locator('.banner.warning')).toContainText(
    'No better than before training: the evaluation loss was never below',
  );
  await expect(page.locator('.facts')).toContainText('0.6374 before training');
});
