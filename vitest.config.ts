import { defineConfig } from 'vitest/config';

const UNIT = ['test/unit/**/*.test.ts'];
/** Whole worlds in virtual time, state machines and templates: no engine either, but minutes of computing. */
const STORIES = [
  'test/state-machines/**/*.test.ts',
  'test/infra/**/*.test.ts',
  'test/chaos/**/*.test.ts',
  'test/canaries/**/*.test.ts',
  'test/field/**/*.test.ts',
  'test/races/**/*.test.ts',
];
const ON_ENGINE = ['test/engine/**/*.test.ts', 'test/e2e/**/*.test.ts'];
/** Against moto, which they start by themselves. */
const ON_MOTO = ['test/live/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: UNIT, testTimeout: 20_000 } },
      { test: { name: 'stories', include: STORIES, testTimeout: 20_000 } },
      { test: { name: 'moto', include: ON_MOTO, testTimeout: 120_000, fileParallelism: false } },
      {
        test: {
          name: 'engine',
          include: ON_ENGINE,
          globalSetup: 'test/setup/engine.ts',
          // All files share one engine and one set of simulated clouds, whose books they count in.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'disasters',
          include: ['test/disasters/**/*.test.ts'],
          globalSetup: 'test/setup/disasters.ts',
          // Each file does to the engine, its functions or the clouds what no other one may meet with.
          fileParallelism: false,
          maxConcurrency: 10,
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
