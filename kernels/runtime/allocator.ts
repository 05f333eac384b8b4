/**
 * @file How the system's allocator is set for a process that trains. glibc gives memory back to the system whenever some tens
 * of megabytes at the top of a heap are free, and keeps a heap for each thread that asks. A step frees and takes the same
 * hundreds of megabytes again and again, on whichever thread runs it: the pages are made anew at every step (a twentieth of
 * a DoRA step's time), and each heap grows to the size of one. Settings of the environment are read when a process starts,
 * so that only a new one can have them; other C libraries do not know them.
 */
const SETTINGS = {
  /** One heap for all threads: the memory of a step is the next one's, whatever thread that runs on. */
  MALLOC_ARENA_MAX: '1',
  /** Bytes at the top that are kept; they go back to the system when the process ends. */
  MALLOC_TRIM_THRESHOLD_: String(2 ** 40),
  /** The largest that is allowed. Setting one of the two stops the allocator from adapting the other. */
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
} as const;

/** The environment of a process that trains; what the user has set is left as it is. */
export const trainingEnvironment = (): NodeJS.ProcessEnv => ({ ...SETTINGS, ...process.env });
