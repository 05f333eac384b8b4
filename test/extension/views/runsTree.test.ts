/** @file The rows of the Runs view. */
import type { Memento } from 'vscode';
import { expect, test } from 'vitest';
import { RunsTree } from '../../../extension/views/runsTree';
import type { RunLibrary } from '../../../extension/runs/runLibrary';
import type { RunSummary } from '../../../extension/runs/runSummary';
import { EventEmitter, TreeItemCollapsibleState } from '../../support/vscodeStub';

const run = (folder: string, more: Partial<RunSummary['state']> = {}, method = 'lora'): RunSummary =>
  ({
    folder,
    info: {
      name: 'sample',
      created: 0,
      config_file: '/ws/sample.adapter.yaml',
      config: { model: '/ws/base', adapter: { method } },
      device: { provider: 'cpu', threads: 2 },
      parameters: { base: 1e6, trainable: 12_345 },
    },
    state: { status: 'running', step: 3, total_steps: 10, heartbeat: 90, host: 'here', ...more },
    contents: { lastCheckpoint: `${folder}/checkpoints/step-3`, adapter: null },
    loss: 1.23456,
    etaSeconds: more.status === undefined ? 125 : null,
    redFigures: [],
  }) as unknown as RunSummary;

/** What the workspace remembers. */
function memory(): Memento {
  const values = new Map<string, unknown>();
  return {
    get: (key: string, standard: unknown) => values.get(key) ?? standard,
    update: async (key: string, value: unknown) => void values.set(key, value),
    keys: () => [],
  } as unknown as Memento;
}

function setUp(...first: RunSummary[]) {
  const changed = new EventEmitter<void>();
  let runs = first;
  const library = {
    isSearched: true,
    get runs() {
      return runs;
    },
    get: (folder: string) => runs.find((r) => r.folder === folder),
    placeOf: (of: RunSummary) => (of.state.status === 'queued' ? 1 : undefined),
    onDidChange: changed.event,
  } as unknown as RunLibrary;
  const tree = new RunsTree(library, memory());
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

const rowsOf = async (tree: RunsTree) =>
  (await Promise.all((await tree.getChildren()).map((g) => tree.getChildren(g)))).flat();

test('a row says what the run does and what can be done with it', async () => {
  const { tree } = setUp(run('/a'), run('/b', { status: 'stopped' }), run('/c', { status: 'queued', step: 0 }));
  const [a, c, b] = (await rowsOf(tree)).map((row) => tree.getTreeItem(row));
  expect(a).toMatchObject({
    label: 'sample',
    description: 'loss 1.235 · 2 min left · 3/10',
    contextValue: 'run;stop;merge',
  });
  expect(a!.accessibilityInformation?.label).toContain('running');
  expect(b!.description).toMatch(/^loss 1\.235 · 3\/10/);
  expect(b!.contextValue).toBe('run;resume;merge;delete');
  expect(c!.description).toMatch(/^place 1 in the queue/);
  expect(c!.contextValue).toContain('stop');
});

test('groups come in the order of what needs attention, and an empty one is not there', async () => {
  const { tree } = setUp(
    run('/a', { status: 'finished' }),
    run('/b', { status: 'stopping' }),
    run('/c', { status: 'failed' }),
  );
  const groups = (await tree.getChildren()).map((row) => tree.getTreeItem(row));
  expect(groups.map(({ label, description }) => [label, description])).toEqual([
    ['Running', '1'],
    ['Failed', '1'],
    ['Finished', '1'],
  ]);
});

test('a group that was closed stays closed', async () => {
  const { tree } = setUp(run('/a', { status: 'finished' }));
  const [group] = await tree.getChildren();
  expect(tree.getTreeItem(group!).collapsibleState).toBe(TreeItemCollapsibleState.Expanded);
  tree.setCollapsed(group!, true);
  expect(tree.getTreeItem(group!).collapsibleState).toBe(TreeItemCollapsibleState.Collapsed);
  tree.setCollapsed(group!, false);
  expect(tree.getTreeItem(group!).collapsibleState).toBe(TreeItemCollapsibleState.Expanded);
});

test('the filter looks for every word in name, method, model and folder', async () => {
  const { tree } = setUp(run('/runs/one'), run('/runs/two', {}, 'dora'));
  const folders = async (filter: string) => {
    tree.filter = filter;
    return (await rowsOf(tree)).map((row) => ('folder' in row ? row.folder : ''));
  };
  expect(await folders('DoRA')).toEqual(['/runs/two']);
  expect(await folders('one lora')).toEqual(['/runs/one']);
  expect(await folders('base')).toHaveLength(2);
  expect(await folders('one dora')).toEqual([]);
  expect(await folders('')).toHaveLength(2);
});

test('a step of one run draws its row again and no other', async () => {
  const { tree, drawn, set } = setUp(run('/a'), run('/b'));
  const [row] = await rowsOf(tree);
  set(run('/a', { step: 4 }), run('/b'));
  expect(drawn).toEqual([row]);
  set(run('/a', { step: 4 }), run('/b'));
  expect(drawn).toHaveLength(1);
});

test('a new run, and one that goes to another group, draw the whole view again', () => {
  const { drawn, set } = setUp(run('/a'));
  set(run('/c'), run('/a'));
  expect(drawn).toEqual([undefined]);
  set(run('/c'), run('/a', { status: 'finished' }));
  expect(drawn).toEqual([undefined, undefined]);
});

test('the tooltip tells configuration, device, duration and the best loss', async () => {
  const { tree } = setUp(run('/a', { status: 'finished', best: { step: 8, loss: 0.5 } }));
  const [row] = await rowsOf(tree);
  const { tooltip } = tree.getTreeItem(row!) as unknown as { tooltip: { value: string } };
  for (const text of ['sample.adapter.yaml', 'lora', 'cpu, 2 threads', '| 2 min |', '0.5 at step 8']) {
    expect(tooltip.value).toContain(text);
  }
});

test('names of files are text in the tooltip, not markup', async () => {
  const { tree } = setUp(run('/a', { error: '[click](command:evil)' }));
  const [row] = await rowsOf(tree);
  const { tooltip } = tree.getTreeItem(row!) as unknown as { tooltip: { value: string } };
  expect(tooltip.value).not.toContain('[click](command');
});

test('a run whose method is not active says so in its row, by its icon, and names the rules that are not met', async () => {
  const figure = {
    id: 'delta-norm',
    label: 'Smallest norm of ΔW',
    unit: 'number',
    value: 0,
    verdict: 'red',
    rule: 'above {0} in every layer',
    rule_values: [0],
    where: 'model.layers.0.q_proj',
  } as const;
  const { tree, drawn, set } = setUp(run('/a'), run('/b', { status: 'finished' }), run('/c', { status: 'failed' }));
  const red = (summary: RunSummary): RunSummary => ({ ...summary, redFigures: [figure] });
  set(red(run('/a')), red(run('/b', { status: 'finished' })), red(run('/c', { status: 'failed' })));
  expect(drawn).toHaveLength(3);
  const [a, c, b] = (await rowsOf(tree)).map((row) => tree.getTreeItem(row));
  for (const item of [a, b, c]) {
    expect(item!.description).toMatch(/^not active · loss 1\.235/);
    expect(item!.accessibilityInformation?.label).toContain('not active');
    expect(item!.accessibilityInformation?.label).toContain('rules that are not met: Smallest norm of ΔW');
    const { value } = item!.tooltip as unknown as { value: string };
    expect(value).toContain('do not trust this adapter');
    expect(value).toContain('Smallest norm of ΔW: 0 in model.layers.0.q\\_proj; expected: above 0 in every layer');
  }
  expect([a, b, c].map((item) => (item!.iconPath as { id: string }).id)).toEqual(['warning', 'warning', 'error']);
});
