/** @file A log for code under test whose messages nobody reads. */
import type { Log } from '../../extension/util/log';

const nothing = () => {};

export const silentLog: Log = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
