/** @file The page of a dashboard, measured in Chromium: a run of 100 000 steps arrives in a few seconds, then it is zoomed. */
import { chromium, type Browser, type Frame, type Page } from '@playwright/test';
import { startHarness } from '../../webview/harness/server';

export interface PageFigures {
  /** Bytes of JavaScript heap after a collection. */
  readonly at10k: number;
  readonly at100k: number;
  readonly atEnd: number;
  readonly growing: TaskFigures;
  readonly zooming: TaskFigures;
}

/** Tasks of the thread that runs the page's script and draws it; a task is the longest that a frame can be kept waiting. */
export interface TaskFigures {
  readonly tasks: number;
  /** Processor time. */
  readonly longestMs: number;
  /** By the clock, with what other programs took in between. */
  readonly longestWallMs: number;
}

const ZOOMS = 12;

export async function measurePage(): Promise<PageFigures> {
  const harness = await startHarness();
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc', '--enable-precise-memory-info'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(harness.framedUrl('dashboard', 'dark', { run: 'growing' }));
    const frame = page.frames().find((f) => f.url().includes('/page/dashboard'));
    if (!frame) throw new Error('the page has no frame');
    await frame.locator('[data-plot=spectrum] .main-svg').first().waitFor();
    await untilStep(frame, 10_000);
    const at10k = await heap(frame);
    const growing = await tasksDuring(browser, page, () => untilStep(frame, 100_000));
    const at100k = await heap(frame);
    const zooming = await tasksDuring(browser, page, () => zoomInAndOut(page, frame));
    return { at10k, at100k, atEnd: await heap(frame), growing, zooming };
  } finally {
    await browser.close();
    await harness.stop();
  }
}

/** Waits until the head of the page shows so many steps. */
async function untilStep(frame: Frame, step: number): Promise<void> {
  await frame.waitForFunction(
    (wanted) => {
      const text = document.querySelector('.facts dd')?.textContent ?? '';
      return Number.parseInt(text.replaceAll(',', ''), 10) >= wanted;
    },
    step,
    { timeout: 120_000 },
  );
}

async function zoomInAndOut(page: Page, frame: Frame): Promise<void> {
  await frame.locator('[data-plot=loss] .plot-surface').focus();
  for (const key of [...Array<string>(ZOOMS).fill('+'), ...Array<string>(ZOOMS).fill('-'), '0']) {
    await page.keyboard.press(key);
    await page.waitForTimeout(120);
  }
}

/** An event of Chromium's trace; times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  /** Processor time of the thread. */
  readonly tdur?: number;
  readonly args?: {
    /** Of a thread. */
    readonly name?: string;
    readonly data?: { readonly frames?: readonly { readonly url: string; readonly processId: number }[] };
  };
}

/** Every task of the page while something is done; its host has a process of its own, which is not counted. */
async function tasksDuring(browser: Browser, page: Page, action: () => Promise<void>): Promise<TaskFigures> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] });
  await action();
  const trace = JSON.parse((await browser.stopTracing()).toString('utf8')) as { readonly traceEvents: TraceEvent[] };
  return pageTasks(trace.traceEvents);
}

function pageTasks(events: readonly TraceEvent[]): TaskFigures {
  const frames = events.flatMap(({ args }) => args?.data?.frames ?? []);
  const pid = frames.find(({ url }) => url.includes('/page/dashboard'))?.processId;
  const main = events.find((e) => e.pid === pid && e.name === 'thread_name' && e.args?.name === 'CrRendererMain');
  if (!main) throw new Error('the trace has no main thread of the page');
  const tasks = events.filter((e) => e.pid === main.pid && e.tid === main.tid && e.name === 'RunTask');
  const longest = (of: (event: TraceEvent) => number | undefined) =>
    tasks.reduce((most, task) => Math.max(most, (of(task) ?? 0) / 1000), 0);
  const longestMs = longest(({ tdur }) => tdur);
  if (longestMs === 0) throw new Error('the trace has no processor times');
  return { tasks: tasks.length, longestMs, longestWallMs: longest(({ dur }) => dur) };
}

async function heap(frame: Frame): Promise<number> {
  return frame.evaluate(() => {
    const { gc, performance: clock } = globalThis as unknown as {
      gc(): void;
      performance: { memory: { usedJSHeapSize: number } };
    };
    gc();
    gc();
    return clock.memory.usedJSHeapSize;
  });
}
