import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { TestProject } from 'vitest/node';
import { REPOSITORY } from '../../local/state/folder.ts';
import { queueUrlOf } from './queue-url.ts';
import { startTestStack } from './test-stack.ts';

/**
 * Visibility timeout of the queue. After this time, the queue delivers the message of a killed worker again.
 * The timeout is longer than the function's time limit, and shorter than twice that limit.
 */
const VISIBILITY_SECONDS = 25;

/**
 * Starts the local stack of the disaster tests. If the stack's engine is stopped normally, the engine stores
 * its state.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const state = join(REPOSITORY, '.fleetwright', 'disasters', 'engine-state');
  rmSync(state, { recursive: true, force: true });
  process.env['PERSIST_STATE'] = '1';
  process.env['STATE_DIR'] = state;
  const tearDown = await startTestStack(project, 'disasters');
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  try {
    const { outputs } = project.getProvidedContext().stack;
    const Attributes = { VisibilityTimeout: String(VISIBILITY_SECONDS) };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrlOf(outputs), Attributes }));
  } catch (error) {
    await tearDown();
    throw error;
  } finally {
    sqs.destroy();
  }
  return tearDown;
}
