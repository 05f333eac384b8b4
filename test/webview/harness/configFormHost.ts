/** @file The host of the configuration form in the harness: a YAML text behind the editor's own text edits. `?doc=` chooses one. */
import { adapterMethods } from '../../../kernels/adapters/registry';
import { localizeSchema } from '../../../kernels/config/localizeSchema';
import { buildConfigSchema } from '../../../kernels/config/schema';
import type { Problem } from '../../../kernels/protocol/errors';
import { apply, configValues, editConfigText } from '../../../extension/editors/configText';
import type { ConfigFormPage, FormDocument, FormSnapshot } from '../../../webview/protocol/configForm';
import { serveAsEditor } from './fakeEditor';

const VALID = `version: 1
model: ./models/base # the bundled base
data:
  train: train.jsonl
  eval: eval.jsonl
adapter:
  method: lora
  r: 16
  lora_alpha: 32
  target_modules: [q_proj, v_proj]
  rank_pattern:
    down_proj: 32
training:
  learning_rate: 2.0e-4
  max_steps: 400
  shuffle: false
`;

const PROBLEMS: readonly Problem[] = [
  {
    file: '/w/a.adapter.yaml',
    line: 8,
    where: 'adapter.r',
    severity: 'error',
    found: 'found the number 0',
    expected: 'expected an integer of at least 1',
  },
  {
    file: '/w/a.adapter.yaml',
    line: 16,
    where: 'training.learnig_rate',
    severity: 'error',
    found: 'found the unknown key "learnig_rate"',
    expected: 'the nearest known key is "learning_rate"',
  },
  {
    file: '/w/a.adapter.yaml',
    line: 5,
    where: 'data.eval',
    severity: 'warning',
    found: 'found 3 samples',
    expected: 'fewer than 20 samples make a noisy loss',
  },
];

const DOCUMENTS: Readonly<Record<string, { readonly text: string; readonly problems?: readonly Problem[] }>> = {
  valid: { text: VALID },
  full: { text: withMethod('full') },
  last_layers: { text: withMethod('last_layers') },
  bitfit: { text: withMethod('bitfit') },
  problems: { text: VALID.replace('r: 16', 'r: 0'), problems: PROBLEMS },
  broken: {
    text: 'version: 1\nmodel: [a\n',
    problems: [
      {
        file: '/w/a.adapter.yaml',
        line: 3,
        severity: 'error',
        found: 'the list is not closed',
        expected: 'expected a closing bracket',
      },
    ],
  },
};

/** The same configuration with a method that has none of LoRA's keys. */
function withMethod(method: string): string {
  return VALID.replace(/adapter:\n( .*\n)+/, `adapter:\n  method: ${method}\n`);
}

const query = new URLSearchParams(location.search);
const chosen = DOCUMENTS[query.get('doc') ?? 'valid'];
const schema = localizeSchema(buildConfigSchema(adapterMethods));
let text = chosen?.text ?? '';
let saved = text;
const calls: { readonly method: string; readonly params: unknown }[] = [];

const server = serveAsEditor<ConfigFormPage>({
  'page/open': (params) => note('page/open', params, snapshot()),
  'form/set': (params) => {
    note('form/set', params, undefined);
    if (query.has('refuse')) throw new Error('the file is read-only');
    const edit = editConfigText(text, params.path, params.value);
    if (edit) text = apply(text, edit);
    changed();
  },
  'form/undo': (params) => note('form/undo', params, undefined),
  'form/select': (params) => note('form/select', params, undefined),
  'form/browse': (params) => {
    note('form/browse', params, undefined);
    const edit = editConfigText(text, params.path, params.kind === 'file' ? 'chosen.jsonl' : './chosen');
    if (edit) text = apply(text, edit);
    changed();
  },
  'form/command': (params) => note('form/command', params, undefined),
});

/** What a person types in the text editor meanwhile. */
Object.assign(window, {
  hostCalls: calls,
  documentText: () => text,
  editText: (next: string) => {
    text = next;
    changed();
  },
  save: () => {
    saved = text;
    changed();
  },
});

function changed(): void {
  // As in the editor, the event follows the edit a little later.
  setTimeout(() => server.emit('form/changed', snapshot()), 60);
}

function note<T>(method: string, params: unknown, answer: T): T {
  calls.push({ method, params });
  return answer;
}

function snapshot(): FormSnapshot {
  const name = 'assistant.adapter.yaml';
  const configurations = [
    { uri: 'file:///w/assistant.adapter.yaml', name },
    { uri: 'file:///w/other/translate.adapter.yaml', name: 'other/translate.adapter.yaml' },
  ];
  return {
    schema,
    document: chosen ? describe(name) : null,
    configurations: chosen ? configurations.slice(0, query.has('single') ? 1 : 2) : [],
    canTrain: !query.has('untrusted'),
  };
}

function describe(name: string): FormDocument {
  const problems = chosen?.problems ?? [];
  const summary = {
    trainableParameters: 4_884_480,
    baseParameters: 134_515_008,
    adaptedModules: 60,
    linearModules: 210,
    method: 'lora',
    modelType: 'llama',
  };
  return {
    name,
    uri: 'file:///w/assistant.adapter.yaml',
    isDirty: text !== saved,
    canUndo: false,
    values: configValues(text),
    problems,
    ...(problems.some(({ severity }) => severity === 'error') ? {} : { summary }),
    ...(query.get('kind') === 'labels' && { modelKind: 'labels' as const }),
    // In the editor's language already, as the host has it; this host speaks none.
    figures: {},
  };
}
