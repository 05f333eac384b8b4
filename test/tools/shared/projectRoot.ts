/** @file Where the project lies, wherever a tool was started from. */
import { resolve } from 'node:path';

/** The tools are bundled as CommonJS into `dist/tools/`, two folders below the root. */
export const projectRoot = resolve(__dirname, '..', '..');
