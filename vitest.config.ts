import { defineConfig } from 'vitest/config';

const UNIT = ['test/unit/**/*.test.ts'];
/**
 * Tests of the whole system in virtual time, of state machines and of templates. They need minutes of
 * computing time, but no local AWS engine.
 */
const STORIES = [
  'test/bench/**/*.test.ts',
  'test/state-machines/**/*.test.ts',
  'test/infra/**/*.test.ts',
  'test/chaos/**/*.test.ts',
  'test/canaries/**/*.test.ts',
  'test/races/**/*.test.ts',
];
/** Plays the cases from the field. It takes minutes, and runs nightly as `npm run test:field`. */
const FIELD = ['test/field/**/*.test.ts'];
const ON_ENGINE = ['test/engine/**/*.test.ts', 'test/e2e/**/*.test.ts'];
/** Removes a whole deployment, on an engine of its own. It takes two minutes, and runs nightly. */
const REMOVAL = ['test/e2e/destroy.test.ts'];
/** Tests against moto. The tests start moto. */
const ON_MOTO = ['test/live/**/*.test.ts'];

/** Vitest leaves one core idle by default: on a machine with two cores, that doubles the time of tests that compute. */
const ALL_CORES = '100%';

export default defineConfig({
  test: {
    projects: [
      // Importing takes half of the time of isolated files. Unit tests leave no state behind that another file reads.
      { test: { name: 'unit', include: UNIT, testTimeout: 60_000, isolate: false, maxWorkers: ALL_CORES } },
      { test: { name: 'stories', include: STORIES, testTimeout: 60_000, maxWorkers: ALL_CORES } },
      { test: { name: 'field', include: FIELD, testTimeout: 20_000 } },
      { test: { name: 'moto', include: ON_MOTO, testTimeout: 120_000, fileParallelism: false } },
      {
        test: {
          name: 'engine',
          include: ON_ENGINE,
          exclude: REMOVAL,
          globalSetup: 'test/setup/engine.ts',
          // All files share one engine and one set of simulated clouds, and count what these clouds record.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'removal',
          include: REMOVAL,
          globalSetup: 'test/setup/engine.ts',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'disasters',
          include: ['test/disasters/**/*.test.ts'],
          globalSetup: 'test/setup/disasters.ts',
          // Each file disturbs the engine, its functions or the clouds. Another file would fail at the same
          // time.
          fileParallelism: false,
          maxConcurrency: 10,
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
