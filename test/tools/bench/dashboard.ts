/**
 * @file `npm run bench -- dashboard`: a run of 100 000 steps on the dashboard. What the editor's host holds and how long it is
 * busy at a time while it follows the run's folder; what the page holds, and its longest task while curves grow and are zoomed.
 */
import { measureHost } from './dashboardHost';
import { measurePage } from './dashboardPage';
import { say } from '../shared/table';
import type { BenchContext, BenchReport, Verdict } from './types';

/** 90 000 steps are 14 columns of numbers in the host, 10 MB; nothing else may grow. */
const HOST_GROWTH_MB = 16;
/** A page holds what it draws, however long the run is. */
const PAGE_GROWTH_MB = 4;
const FRAME_MS = 50;

const mb = (bytes: number): number => bytes / 1e6;

export async function benchDashboard({ cases, work }: BenchContext): Promise<BenchReport> {
  if (cases) throw new Error('dashboard has one workload; leave --cases out');
  say('  the host follows a run folder');
  const host = await measureHost(work);
  say('  the page in Chromium');
  const page = await measurePage();
  const verdicts: Verdict[] = [
    below('host: memory from 10 000 to 100 000 steps', mb(host.at100k - host.at10k), HOST_GROWTH_MB, 'MB'),
    below('host: memory over 10 000 more steps, followed and pulled', mb(host.atEnd - host.at100k), 4, 'MB'),
    below('host: longest look or pull while following', host.longestMs, FRAME_MS, 'ms'),
    below('page: memory from 10 000 to 100 000 steps', mb(page.at100k - page.at10k), PAGE_GROWTH_MB, 'MB'),
    below('page: memory after zooming and back', mb(page.atEnd - page.at100k), PAGE_GROWTH_MB, 'MB'),
    below('page: longest task while steps arrive', page.growing.longestMs, FRAME_MS, 'ms'),
    below('page: longest task while zooming', page.zooming.longestMs, FRAME_MS, 'ms'),
  ];
  return {
    rows: [
      ['memory', '10 000 steps', '100 000 steps', 'at the end'],
      ['editor host', ...[host.at10k, host.at100k, host.atEnd].map((bytes) => `${mb(bytes).toFixed(1)} MB`)],
      ['page', ...[page.at10k, page.at100k, page.atEnd].map((bytes) => `${mb(bytes).toFixed(1)} MB`)],
    ],
    verdicts,
    notes: [
      `host: heap and buffers after a collection; ${host.pulls} pulls of all curves, median ${host.pullMs.toFixed(1)} ms`,
      `host: reading the first 100 000 steps took ${(host.readMs / 1000).toFixed(1)} s, at most ${host.longestReadMs.toFixed(0)} ms at a stretch`,
      'page: JavaScript heap after a collection; in a process of its own, as in the editor',
      `times are processor time of one thread, which other programs do not change; by the clock the longest tasks of the page were ${page.growing.longestWallMs.toFixed(0)} ms while steps arrive and ${page.zooming.longestWallMs.toFixed(0)} ms while zooming`,
      `page: ${page.growing.tasks} tasks while steps arrive, ${page.zooming.tasks} while zooming; the opening of the page is not among them`,
    ],
    data: { host, page },
  };
}

function below(name: string, measured: number, limit: number, unit: string): Verdict {
  const digits = unit === 'ms' ? 0 : 1;
  return {
    name,
    measured: `${measured.toFixed(digits)} ${unit}`,
    limit: `below ${limit} ${unit}`,
    isPassed: measured < limit,
  };
}
