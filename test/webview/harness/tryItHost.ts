/** @file The host of the page that tries models in the harness: answers come word by word, every 20 ms. `?models=none`: there is none. */
import { KernelError } from '../../../kernels/protocol/errors';
import type { TryItPage, TryItSnapshot } from '../../../webview/protocol/tryIt';
import { serveAsEditor } from './fakeEditor';

const query = new URLSearchParams(location.search);
const calls: { readonly method: string; readonly params: unknown }[] = [];
Object.assign(window, { hostCalls: calls });
const isSlow = query.get('speed') === 'slow';
const PAUSE_MS = isSlow ? 200 : 20;

const snapshot: TryItSnapshot = {
  runs: [
    {
      folder: '/home/me/runs/questions-20260101-000000-k3fz',
      name: 'questions',
      status: 'running',
      base: '/home/me/base',
      checkpoints: [
        { path: '/home/me/runs/questions-20260101-000000-k3fz/checkpoints/step-000080', step: 80 },
        { path: '/home/me/runs/questions-20260101-000000-k3fz/checkpoints/step-000040', step: 40 },
      ],
    },
  ],
  adapters: [{ path: '/home/me/adapters/poems', name: 'poems' }],
  checkpoints: [
    { path: '/home/me/base', name: 'base' },
    { path: '/home/me/base-merged', name: 'base-merged' },
  ],
  canWrite: query.get('trusted') !== 'no',
  isRunAtWork: true,
};
const NONE: TryItSnapshot = { runs: [], adapters: [], checkpoints: [], canWrite: true, isRunAtWork: false };

const ANSWERS: Readonly<Record<string, string>> = {
  base: 'The country of France lies in Europe. The capital of France is Paris. The river of France',
  adapter: 'The capital of France is Paris.',
  merged: 'The capital of France is Paris.',
};

const server = serveAsEditor<TryItPage>({
  'page/open': () => ({ snapshot: query.get('models') === 'none' ? NONE : snapshot, offer: null }),
  'tryIt/baseOf': (params) => {
    calls.push({ method: 'tryIt/baseOf', params });
    return '/home/me/base';
  },
  'tryIt/about': () => ({ hasChatTemplate: query.get('template') !== 'no', maxLength: 256 }),
  'tryIt/write': async (params, { signal, progress }) => {
    calls.push({ method: 'tryIt/write', params });
    const id = params.adapter !== undefined ? 'adapter' : params.base.endsWith('merged') ? 'merged' : 'base';
    if (query.get('fail') === id)
      throw new KernelError('input/refused', 'lora_A of q_proj is [8, 96], expected [8, 64]');
    const words = (ANSWERS[id] ?? '').split(/(?= )/);
    for (const word of words) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      if (signal.aborted) throw new KernelError('cancelled', 'cancelled');
      progress({ message: 'Writing', text: word });
    }
    return {
      text: words.join(''),
      tokens: words.length,
      promptTokens: 12,
      stopped: id === 'base' ? 'length' : 'end',
      firstTokenSeconds: 0.31,
      seconds: 0.6,
    };
  },
  'tryIt/browse': () => '/home/me/elsewhere/other',
  'tryIt/copy': (params) => {
    calls.push({ method: 'tryIt/copy', params });
  },
});
Object.assign(window, {
  offer: () => server.emit('tryIt/offer', { base: '/home/me/base', adapter: '/home/me/adapters/poems' }),
});
