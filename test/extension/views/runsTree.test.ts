/** @file The rows of the Runs view. */
import { expect, test } from 'vitest';
import { RunsTree } from '../../../extension/views/runsTree';
import type { RunLibrary } from '../../../extension/runs/runLibrary';
import type { RunSummary } from '../../../extension/runs/runSummary';
import { EventEmitter } from '../../support/vscodeStub';

const run = (folder: string, more: Partial<RunSummary['state']> = {}): RunSummary =>
  ({
    folder,
    info: { name: 'sample', created: 0 },
    state: { status: 'running', step: 3, total_steps: 10, ...more },
    contents: { lastCheckpoint: `${folder}/checkpoints/step-3`, adapter: null },
    loss: 1.23456,
    etaSeconds: 125,
  }) as unknown as RunSummary;

function setUp(...first: RunSummary[]) {
  const changed = new EventEmitter<void>();
  let runs = first;
  const library = {
    isSearched: true,
    get runs() {
      return runs;
    },
    get: (folder: string) => runs.find((r) => r.folder === folder),
    onDidChange: changed.event,
  } as unknown as RunLibrary;
  const tree = new RunsTree(library);
  const drawn: unknown[] = [];
  tree.onDidChangeTreeData((row) => drawn.push(row));
  const set = (...next: RunSummary[]) => {
    runs = next;
    changed.fire();
  };
  set(...first);
  drawn.length = 0;
  return { tree, drawn, set };
}

test('a row says what the run does and what can be done with it', async () => {
  const { tree } = setUp(run('/a'), run('/b', { status: 'stopped' }));
  const [a, b] = (await tree.getChildren()).map((row) => tree.getTreeItem(row));
  expect(a).toMatchObject({
    label: 'sample',
    description: '3/10 · 2 min left · loss 1.235',
    contextValue: 'run;stop;merge',
  });
  expect(a!.accessibilityInformation?.label).toContain('running');
  expect(b!.description).toMatch(/^stopped · 3\/10 · .*loss 1\.235/);
  expect(b!.contextValue).toBe('run;resume;merge');
});

test('a step of one run draws its row again and no other', async () => {
  const { tree, drawn, set } = setUp(run('/a'), run('/b'));
  const [row] = await tree.getChildren();
  set(run('/a', { step: 4 }), run('/b'));
  expect(drawn).toEqual([row]);
  set(run('/a', { step: 4 }), run('/b'));
  expect(drawn).toHaveLength(1);
});

test('a new run draws the whole view again', () => {
  const { drawn, set } = setUp(run('/a'));
  set(run('/c'), run('/a'));
  expect(drawn).toEqual([undefined]);
});

test('names of files are text in the tooltip, not markup', async () => {
  const { tree } = setUp(run('/a', { error: '[click](command:evil)' }));
  const [row] = await tree.getChildren();
  const { tooltip } = tree.getTreeItem(row!) as unknown as { tooltip: { value: string } };
  expect(tooltip.value).not.toContain('[click](command');
});
