/** @file What a run recorded of its method's activity: the latest figures, and each figure step by step. */
import type { ActivityRecord } from '../../kernels/protocol/types';
import type { ActivityReport } from '../../webview/protocol/dashboard';

export class ActivitySeries {
  /** By step; one that is written again (after a resume) replaces the older one. */
  private readonly byStep = new Map<number, ActivityRecord>();

  append(record: ActivityRecord): void {
    this.byStep.set(record.step, record);
  }

  report(): ActivityReport {
    const records = [...this.byStep.values()].sort((a, b) => a.step - b.step);
    const ids = new Set(records.flatMap(({ figures }) => figures.map(({ id }) => id)));
    const values: Record<string, (number | null)[]> = {};
    const redSteps: Record<string, number[]> = {};
    for (const id of ids) {
      const found = records.map((record) => ({ step: record.step, figure: record.figures.find((f) => f.id === id) }));
      values[id] = found.map(({ figure }) => figure?.value ?? null);
      const red = found.filter(({ figure }) => figure?.verdict === 'red').map(({ step }) => step);
      if (red.length > 0) redSteps[id] = red;
    }
    return { latest: records.at(-1) ?? null, steps: records.map(({ step }) => step), values, redSteps };
  }
}
