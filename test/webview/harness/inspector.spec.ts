/** @file The inspector in a real browser: heat maps by keys and mouse, long lists, reading with progress, files that change. */
import { expect, type Page } from '@playwright/test';
import { callsOf, test } from './pageTest';
import type { TileRequest } from '../../../kernels/protocol/calls/inspect';

const tiles = (page: Page) => callsOf(page, 'inspector/tile') as Promise<TileRequest[]>;
const lastTile = async (page: Page) => (await tiles(page)).at(-1);
const map = (page: Page) => page.locator('.matrix');
const ready = async (page: Page) => {
  await page.locator('as-matrix-map .matrix-scale').waitFor();
  return page;
};

test('a module is chosen in the map and in the table; its spectrum and matrices follow', async ({ open }) => {
  const page = await ready(await open('inspector'));
  const heat = page.locator('[data-plot=module-map] .heat');
  await expect(heat).toHaveAttribute('aria-label', /7 rows and 12 columns/);
  await heat.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.locator('#module-title')).toHaveText('layers.1.self_attn.k_proj');
  await expect(page.locator('as-module-detail .facts')).toContainText('32 × 96');
  const table = page.getByRole('grid', { name: 'Modules' });
  await page.getByLabel('Filter modules').fill('layers.11 down');
  await expect(table.getByRole('row')).toHaveCount(2);
  await table.getByRole('row').last().click();
  await expect(page.locator('#module-title')).toHaveText('layers.11.mlp.down_proj');
  await expect(page.locator('[data-plot=spectrum] [role=application]')).toBeVisible();
});

test('the table is sorted by any column and walked by keys', async ({ open }) => {
  const page = await ready(await open('inspector'));
  const table = page.getByRole('grid', { name: 'Modules' });
  await table.getByRole('button', { name: '‖ΔW‖' }).click();
  await expect(table.getByRole('columnheader', { name: '‖ΔW‖' })).toHaveAttribute('aria-sort', 'descending');
  const norms = async () => (await table.locator('.virtual-row span:nth-child(3)').allInnerTexts()).map(Number);
  const shown = await norms();
  expect(shown.length).toBeGreaterThan(10);
  expect([...shown].sort((a, b) => b - a)).toEqual(shown);
  await table.getByRole('button', { name: '‖ΔW‖' }).click();
  await expect(table.getByRole('columnheader', { name: '‖ΔW‖' })).toHaveAttribute('aria-sort', 'ascending');
  await table.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  const chosen = table.locator('.virtual-row.chosen');
  await expect(chosen).toHaveAttribute('aria-rowindex', '85');
  await expect(page.locator('#module-title')).toHaveText(await chosen.locator('span').first().innerText());
});

test('a heat map is zoomed by keys down to its values, read where the cursor is', async ({ open }) => {
  const page = await ready(await open('inspector'));
  expect(await lastTile(page)).toMatchObject({ rows: [0, 8], cols: [0, 96], pool: 'extreme' });
  await page.getByRole('button', { name: 'Delta weight [96, 96]' }).click();
  await expect
    .poll(() => lastTile(page))
    .toMatchObject({ of: { delta: 'model.layers.0.self_attn.q_proj' }, rows: [0, 96] });
  await expect(page.locator('.matrix-state')).toContainText('rows 0 to 95');
  await map(page).focus();
  for (const key of ['End', 'ArrowDown', '+', '+', '+']) await page.keyboard.press(key);
  await expect.poll(async () => (await lastTile(page))?.cols).toEqual([84, 96]);
  await expect(page.locator('.matrix-state')).toContainText('columns 84 to 95 of 96; each cell is one value');
  await page.keyboard.press('ArrowLeft');
  await expect(page.locator('.matrix .plot-tooltip')).toContainText(/^\s*row \d+, column 94: -?[\d.e-]+\s*$/);
  await expect(page.locator('as-matrix-map [aria-live]')).toContainText('column 94');
  await page.keyboard.press('PageDown');
  await expect.poll(async () => (await lastTile(page))?.rows[0]).toBeGreaterThan(5);
  await page.keyboard.press('0');
  await expect.poll(async () => (await lastTile(page))?.rows).toEqual([0, 96]);
});

test('a box drawn with the mouse is zoomed to, a double click shows everything, a table shows the numbers', async ({
  open,
}) => {
  const page = await ready(await open('inspector'));
  await page.getByRole('button', { name: 'Delta weight [96, 96]' }).click();
  await expect.poll(async () => (await lastTile(page))?.rows).toEqual([0, 96]);
  await expect(page.locator('.matrix-state')).toContainText('rows 0 to 95');
  const box = (await map(page).boundingBox())!;
  await page.mouse.move(box.x + 100, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + 200, box.y + 120, { steps: 4 });
  await page.mouse.up();
  await expect.poll(async () => (await lastTile(page))?.cols[0]).toBeGreaterThan(3);
  const { rows, cols } = (await lastTile(page))!;
  expect(rows[1] - rows[0]).toBeLessThan(40);
  expect(cols[1] - cols[0]).toBeLessThan(40);
  await page.getByRole('button', { name: 'Delta weight [96, 96] as a table' }).click();
  const table = page.getByRole('region', { name: 'Delta weight [96, 96], table' });
  await expect(table.getByRole('rowheader').first()).toHaveText(String(rows[0]));
  await page.getByRole('button', { name: 'Delta weight [96, 96] as a table' }).click();
  await map(page).dblclick();
  await expect.poll(async () => (await lastTile(page))?.rows).toEqual([0, 96]);
  await page.getByLabel('Cell').selectOption('Maximum');
  await expect.poll(async () => (await lastTile(page))?.pool).toBe('max');
  await page.getByRole('button', { name: 'Save Delta weight [96, 96] as PNG' }).click();
  const [saved] = (await callsOf(page, 'save/png')) as { dataUrl: string }[];
  expect(saved?.dataUrl).toMatch(/^data:image\/png;base64,.{1000}/);
});

test('an adapter whose update depends on an absent base shows its tensors and says what is not to be had', async ({
  open,
}) => {
  const page = await ready(await open('inspector', { host: { doc: 'dora' } }));
  await expect(page.locator('as-module-detail')).toContainText(
    'The delta weight of DoRA depends on the base model, which is not on this disk',
  );
  await expect(page.getByRole('button', { name: /^Delta weight/ })).toHaveCount(0);
  await page
    .getByRole('button', { name: /^lora_magnitude_vector/ })
    .first()
    .click();
  await expect
    .poll(async () => (await lastTile(page))?.of)
    .toEqual({
      tensor: 'base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight',
    });
});

test('ten thousand tensors are a list of the rows on the screen', async ({ open }) => {
  const page = await open('inspector', { host: { doc: 'many' } });
  const table = page.getByRole('grid', { name: 'Tensors' });
  await expect(table).toHaveAttribute('aria-rowcount', '10001');
  expect(await table.locator('.virtual-row').count()).toBeLessThan(80);
  await table.focus();
  await page.keyboard.press('End');
  await expect(table.locator('.virtual-row.active')).toHaveAttribute('aria-rowindex', '10001');
  await expect(table.locator('.virtual-row.active')).toBeInViewport();
  await page.getByLabel('Filter tensors').fill('9999');
  await expect(table).toHaveAttribute('aria-rowcount', '2');
  await expect(page.getByText('1 of 10,000')).toBeVisible();
});

test('a small tensor is read when it is chosen, a large one when asked for, and that can be cancelled', async ({
  open,
}) => {
  const page = await open('inspector', { host: { doc: 'checkpoint' } });
  const table = page.getByRole('grid', { name: 'Tensors' });
  await table.getByRole('row').nth(1).click();
  await expect(page.locator('as-tensor-detail .facts')).toContainText('Standard deviation');
  await expect(page.locator('[data-plot=histogram] .main-svg').first()).toBeVisible();
  await table.getByRole('row').nth(2).click();
  await expect(page.getByText('Reads all 1.05 GB.')).toBeVisible();
  await expect.poll(() => callsOf(page, 'inspector/statistics')).toHaveLength(1);
  await page.getByRole('button', { name: 'Statistics' }).click();
  await expect(page.locator('.reading').first()).toContainText(/Reading \d/);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Reads all 1.05 GB.')).toBeVisible();
  await expect(page.locator('.failure')).toHaveCount(0);
});

test('packed types say that they are not shown', async ({ open }) => {
  const page = await open('inspector', { host: { doc: 'checkpoint' } });
  await page.getByLabel('Filter tensors').fill('F4');
  await page.getByRole('grid', { name: 'Tensors' }).getByRole('row').nth(1).click();
  await expect(page.getByText('Values of type F4 are not plain numbers')).toBeVisible();
  await expect.poll(() => callsOf(page, 'inspector/statistics')).toEqual([]);
});

test('what is wrong with a file is listed by tensor', async ({ open }) => {
  const page = await open('inspector', { host: { doc: 'refused' } });
  await expect(page.getByRole('heading', { name: 'This cannot be shown' })).toBeVisible();
  const rows = page.locator('.problem-row');
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText('model.layers.0.self_attn.q_proj.weight');
  await expect(rows.first()).toContainText('the file holds 1024 bytes of tensors');
});

test('a file that changes on disk is shown anew, with the choice kept', async ({ open }) => {
  const page = await ready(await open('inspector'));
  await page.getByRole('grid', { name: 'Modules' }).getByRole('row').nth(4).click();
  await expect(page.locator('#module-title')).toHaveText('layers.0.self_attn.o_proj');
  const before = (await tiles(page)).length;
  await page.evaluate(() => (globalThis as unknown as { changeFile(): void }).changeFile());
  await expect(page.locator('as-inspector-header .facts')).toContainText('17');
  await expect(page.locator('#module-title')).toHaveText('layers.0.self_attn.o_proj');
  await expect.poll(async () => (await tiles(page)).length).toBeGreaterThan(before);
});

test('an opening that failed can be tried again', async ({ open }) => {
  const page = await open('inspector', { host: { fail: 'page/open' } });
  await expect(page.getByRole('alert')).toContainText('Could not open the file: the engine stopped');
  await page.getByRole('button', { name: 'Try Again' }).click();
  await expect(page.getByRole('heading', { name: 'LoRA adapter' })).toBeVisible();
  await expect(page.locator('.failure')).toHaveCount(0);
});

test('without trust everything can be seen, and nothing can be run', async ({ open }) => {
  const page = await ready(await open('inspector', { host: { trusted: 'no' } }));
  await expect(page.getByRole('button', { name: 'Merge' })).toHaveAttribute('aria-disabled', 'true');
  await expect(page.getByRole('button', { name: 'Try It' })).toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('button', { name: 'Check' }).click();
  await expect.poll(() => callsOf(page, 'inspector/command')).toEqual([{ command: 'check' }]);
});
