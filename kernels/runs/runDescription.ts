/** @file Readers of `run.json` and `state.json`, which name file, line and member of what is wrong in them. */
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import {
  anyObject,
  count,
  exactly,
  finite,
  mapOf,
  objectOf,
  oneOf,
  optional,
  readRuledJson,
  text,
} from '../formats/jsonRules';
import type { Rules } from '../formats/jsonRules';
import type { RunInfo, RunState, RunStatus } from '../protocol/types';

export const INFO_FILE = 'run.json';
export const STATE_FILE = 'state.json';

const STATUSES: Readonly<Record<RunStatus, true>> = {
  queued: true,
  starting: true,
  running: true,
  stopping: true,
  stopped: true,
  finished: true,
  failed: true,
};

const infoRules: Rules<RunInfo> = {
  version: exactly(1),
  name: text,
  created: finite,
  config_file: text,
  config: anyObject,
  versions: mapOf(text),
  device: objectOf({ provider: text, threads: count, reason: text }),
  digests: mapOf(text),
  parameters: objectOf({ base: count, trainable: count }),
  total_steps: count,
  steps_per_epoch: count,
};

const stateRules: Rules<RunState> = {
  status: oneOf(Object.keys(STATUSES)),
  pid: count,
  host: text,
  process_start: optional(text),
  heartbeat: finite,
  step: count,
  total_steps: count,
  best: optional(objectOf({ step: count, loss: finite })),
  error: optional(text),
  doing: optional(objectOf({ what: text, fraction: optional(finite) })),
};

/** Throws `input/refused` when there is no such file and `format/invalid` with all that is wrong in it. */
export const readRunInfo = (dir: string): RunInfo =>
  readRuledJson(path.join(dir, INFO_FILE), l10n.t('expected the description of a run'), infoRules);

/** Errors as `readRunInfo`. */
export const readRunState = (dir: string): RunState =>
  readRuledJson(path.join(dir, STATE_FILE), l10n.t('expected the state of a run'), stateRules);
