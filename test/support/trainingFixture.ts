/** @file A tiny model with data for a test file, removed when it is done. */
import { temporaryFolder } from './tinyModel';
import type { TrainingFixture } from './tinyTraining';
import { writeTinyTraining } from './tinyTraining';

export { readRecords, TRAIN_SAMPLES } from './tinyTraining';

export function trainingFixture(): TrainingFixture {
  return writeTinyTraining(temporaryFolder(), temporaryFolder());
}
