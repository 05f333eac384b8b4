import { describe, expect, it } from 'vitest';
import { DashboardStore } from '../../../webview/dashboard/store';
import type { DashboardPage } from '../../../webview/protocol/dashboard';
import { FakeHost, fakeState, settled } from '../fakeHost';
import { dashboardAnswers, snapshot, TRACES } from './answers';

async function openStore(state?: unknown) {
  const host = new FakeHost<DashboardPage>(dashboardAnswers());
  const store = new DashboardStore(host, fakeState(state));
  await store.open();
  await settled();
  return { host, store };
}

describe('the store of the dashboard', () => {
  it('pulls curves, ranks and the first module once when it opens', async () => {
    const { host } = await openStore();
    expect(host.paramsOf('series/get')).toEqual([{ x: 'step', buckets: 400, smoothing: 0.6 }]);
    expect(host.paramsOf('rank/tables')).toHaveLength(1);
    expect(host.paramsOf('rank/spectrum').at(-1)).toEqual({ module: 'model.layers.0.self_attn.q_proj', of: 'delta' });
  });

  it('asks once more for many changes that come during a call', async () => {
    const { host } = await openStore();
    for (let revision = 2; revision <= 6; revision++) host.emit('run/changed', snapshot({ revision }));
    await settled();
    expect(host.paramsOf('series/get')).toHaveLength(3);
  });

  it('leaves the ranks alone while only metrics arrive', async () => {
    const { host } = await openStore();
    host.emit('run/changed', snapshot({ revision: 9 }));
    await settled();
    expect(host.paramsOf('rank/tables')).toHaveLength(1);
  });

  it('keeps a zoom within the run and forgets one that shows everything', async () => {
    const { host, store } = await openStore();
    store.zoomTo([2, 3]);
    await settled();
    expect(host.paramsOf('series/get').at(-1)).toMatchObject({ range: [2, 3] });
    store.zoomTo([-100, 100]);
    expect(store.zoom.value).toBeNull();
    store.zoomTo([2, 2]);
    expect(store.zoom.value).toBeNull();
  });

  it('drops the zoom with the axis whose units it had', async () => {
    const { store } = await openStore();
    store.zoomTo([2, 3]);
    store.setXAxis('tokens');
    expect(store.zoom.value).toBeNull();
    await settled();
    expect(store.shown.value).toEqual({ x: 'tokens', traces: TRACES });
  });

  it('takes up the choices that were kept, and not those it does not know', async () => {
    const { store } = await openStore({ xAxis: 'epoch', measure: 'trace_norm', smoothing: 7, isLogY: 'yes' });
    expect(store.choices.xAxis.value).toBe('epoch');
    expect(store.choices.measure.value).toBe('stable_rank');
    expect(store.choices.smoothing.value).toBe(0.99);
    expect(store.choices.isLogY.value).toBe(false);
  });

  it('does not let an older snapshot replace a newer event', async () => {
    const host: FakeHost<DashboardPage> = new FakeHost<DashboardPage>({
      ...dashboardAnswers(),
      'page/open': () => {
        host.emit('run/changed', snapshot({ revision: 5 }));
        return snapshot({ revision: 4 });
      },
    });
    const store = new DashboardStore(host, fakeState());
    await store.open();
    expect(store.snapshot.value!.revision).toBe(5);
  });
});
