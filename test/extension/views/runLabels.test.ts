import { expect, it } from 'vitest';
import type { RunState } from '../../../kernels/protocol/types';
import { doingLabel } from '../../../extension/views/runLabels';

const state = (more: Partial<RunState>): { state: RunState } => ({
  state: { status: 'starting', pid: 1, host: 'here', heartbeat: 0, step: 0, total_steps: 9, ...more },
});

it('a run that starts is labelled with what it prepares, as far as it says so', () => {
  expect(doingLabel(state({ doing: { what: 'Reading the base weights', fraction: 0.419 } }))).toBe(
    'Reading the base weights 41 %',
  );
  expect(doingLabel(state({ doing: { what: 'Opening the base model' } }))).toBe('Opening the base model');
  expect(doingLabel(state({}))).toBe('');
  expect(doingLabel(state({ status: 'running', doing: { what: 'Opening the base model' } }))).toBe('');
});
