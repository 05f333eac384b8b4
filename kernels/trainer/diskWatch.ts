/** @file The disk of a run folder: whether what the run is going to write will fit. */
import type { AdapterPlan } from '../adapters/plan';
import { restartedTensors } from '../adapters/restarts';
import { freeBytes } from '../formats/atomicFile';
import { formatBytes } from '../util/formatBytes';

/** How often the disk is asked between checkpoints. */
const LOOK_MS = 10_000;
/** Records, states and logs until the next look. */
const SMALL_FILES_BYTES = 256 * 1024;

/** `low`: there is less than it should be. `full`: after one more checkpoint, or already, no further one would fit. */
export interface DiskFinding {
  readonly kind: 'low' | 'full';
  readonly found: string;
  /** Whether one more checkpoint fits now. */
  readonly isRoomForOne: boolean;
}

interface Look {
  /** A checkpoint is about to be written; else the disk is asked every few seconds only. */
  readonly isDue?: boolean;
  /** Bytes of the checkpoints that go once a new one is whole. */
  readonly toBeFreed?: () => number;
}

export class DiskWatch {
  private lastLook = -Infinity;
  private isTold = false;

  constructor(
    private readonly dir: string,
    /** May grow during the run. */
    public checkpointBytes: number,
    private readonly leastFreeBytes: number,
    private readonly free: (dir: string) => number | undefined = freeBytes,
  ) {}

  /** What is wrong, or null. Low space is said once, and again after there was enough; a full disk every time. */
  look({ isDue = false, toBeFreed = () => 0 }: Look = {}): DiskFinding | null {
    if (!isDue && performance.now() - this.lastLook < LOOK_MS) return null;
    this.lastLook = performance.now();
    const free = this.free(this.dir);
    if (free === undefined) return null; // the system does not tell; a write that fails will
    const { checkpointBytes } = this;
    const found = `${formatBytes(free)} free on the disk of ${this.dir}; a checkpoint of this run takes ${formatBytes(checkpointBytes)}`;
    const isRoomForOne = free >= checkpointBytes + SMALL_FILES_BYTES;
    const isRoomAfter = free + toBeFreed() >= 1.25 * checkpointBytes + 2 * SMALL_FILES_BYTES;
    if (!isRoomForOne || !isRoomAfter) return { kind: 'full', found, isRoomForOne };
    const isLow = free < Math.max(this.leastFreeBytes, 2 * checkpointBytes);
    const isNew = isLow && !this.isTold;
    this.isTold = isLow;
    return isNew ? { kind: 'low', found, isRoomForOne } : null;
  }
}

/**
 * Adapter and two moments of what is trained, all of it float32, and the small files beside them; with restarts the adapters
 * of the merged cycles as well.
 */
export function checkpointBytes(plan: AdapterPlan, mergedCycles = 0): number {
  const { trained, trainedSize, frozen, frozenSize } = plan;
  const headerBytes = 200 * (3 * trained.length + frozen.length) + 16 * 1024;
  const adapterBytes = restartedTensors(plan).reduce((n, { size }) => n + 4 * size, 100 * trained.length);
  return 4 * (3 * trainedSize + frozenSize) + headerBytes + mergedCycles * adapterBytes;
}
