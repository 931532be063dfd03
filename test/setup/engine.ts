import type { TestProject } from 'vitest/node';
import { startTestStack } from './test-stack.ts';

/** Starts the local stack that the tests of the project `engine` share. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  return await startTestStack(project, 'test');
}
