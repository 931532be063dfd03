import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';

/** The fields of vitest's JSON report that are read. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

/** The result of one test. A file that cannot be loaded counts as one failed test. */
export interface TestOutcome {
  readonly file: string;
  readonly title: string;
  readonly isPassed: boolean;
  /** The error of a failed test; empty if it passed. */
  readonly message: string;
}

/**
 * Returns the tests of a report that ran, without skipped tests. Returns an empty list if there is no report.
 */
export function readReport(path: string): TestOutcome[] {
  if (!existsSync(path)) return [];
  const { testResults } = reportSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return testResults.flatMap(({ name: file, status, message, assertionResults }): TestOutcome[] => {
    if (status === 'failed' && assertionResults.length === 0) {
      return [{ file, title: 'the file is loaded', isPassed: false, message }];
    }
    return assertionResults
      .filter((one) => one.status === 'passed' || one.status === 'failed')
      .map((one) => ({
        file,
        title: one.fullName,
        isPassed: one.status === 'passed',
        message: (one.failureMessages ?? []).join('\n'),
      }));
  });
}
