/** @file Property tests draw anew on every run at a desk; in CI they repeat one choice, so that a red build is a change's own. */
import { configureGlobal } from 'fast-check';

if (process.env.CI) configureGlobal({ seed: 20_261_122 });
