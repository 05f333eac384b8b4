/** @file The resolved configuration that a run froze when it was made, held against the fields as the file of a person is. */
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { withDefaults } from '../util/fields';
import type { ResolvedConfig } from './loadConfig';
import type { ConfigurableMethod } from './schema';
import { reloraFields, samplesFields, watchdogFields } from './sections';
import { validateValues } from './validate';

/**
 * The configuration of a `run.json`, with the sections that were not there yet when an older version wrote it. `file` is
 * named in what is wrong. Throws `format/invalid`.
 */
export function frozenConfig(
  config: Readonly<Record<string, unknown>>,
  file: string,
  methods: readonly ConfigurableMethod[],
): ResolvedConfig {
  const problems = validateValues(config, methods).map(({ path, found, expected, severity }): Problem => ({
    file,
    where: ['config', ...path].join('.'),
    severity: severity ?? 'error',
    found,
    expected,
  }));
  if (problems.some(({ severity }) => severity === 'error')) throw KernelError.invalid(problems);
  const later = {
    relora: withDefaults(reloraFields, {}),
    samples: withDefaults(samplesFields, {}),
    watchdog: withDefaults(watchdogFields, {}),
  };
  // Resolved when the run was made, by the same fields.
  return { ...later, ...config } as unknown as ResolvedConfig;
}
