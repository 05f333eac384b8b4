/** @file The first line over a configuration: Train, or where its run is. */
import { beforeEach, expect, test } from 'vitest';
import type { ConfigChecks } from '../../../extension/editors/configChecks';
import { ConfigLens } from '../../../extension/editors/configLens';
import type { RunLibrary } from '../../../extension/runs/runLibrary';
import type { RunSummary } from '../../../extension/runs/runSummary';
import { EventEmitter, state, Uri, type CodeLens } from '../../support/vscodeStub';

const document = { uri: Uri.file('/w/a.adapter.yaml') };
const run = { folder: '/w/runs/a' } as RunSummary;
beforeEach(() => state.reset());

/** The first lens, with a live run or none, which waits at `place` in the queue or trains. */
function firstLens(live?: RunSummary, place?: number): CodeLens | undefined {
  const checks = { onDidCheck: new EventEmitter<void>().event, get: () => undefined };
  const runs = {
    onDidChange: new EventEmitter<void>().event,
    liveRuns: live ? [live] : [],
    liveRunOf: () => live,
    placeOf: () => place,
  };
  // The parts of both that a lens asks; the stub's lens is what the stubbed editor makes.
  const lens = new ConfigLens(checks as unknown as ConfigChecks, runs as unknown as RunLibrary);
  const [first] = lens.provideCodeLenses(document as never) as unknown as CodeLens[];
  lens.dispose();
  return first;
}

test('a queued run says its place over its configuration and opens its dashboard', () => {
  const { command } = firstLens(run, 2) ?? {};
  expect(command?.title).toBe('$(watch) Queued, place 2: open dashboard');
  expect(command).toMatchObject({ command: 'adapterStudio.openDashboard', arguments: [run] });
});

test('a run at work says that it trains, and without one there is Train', () => {
  expect(firstLens(run)?.command?.title).toBe('$(sync~spin) Training: open dashboard');
  expect(firstLens()?.command?.title).toBe('$(play) Train');
});
