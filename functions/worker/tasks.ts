import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { usage } from '../runtime/usage.ts';
import type { Tasks } from './context.ts';

/** The step has its answer, or waits no longer: whoever answers again has nothing to add. */
const SPENT = new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken']);

/** Answers workflow steps through Step Functions. */
export function openTasks(sfn: SFNClient): Tasks {
  const answer = async (send: () => Promise<unknown>): Promise<void> => {
    usage.sfnRequests += 1;
    try {
      await send();
    } catch (error) {
      if (!(error instanceof Error && SPENT.has(error.name))) throw error;
    }
  };
  return {
    succeed: (taskToken, output) =>
      answer(() => sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }))),
    fail: (taskToken, error, cause) =>
      answer(() => sfn.send(new SendTaskFailureCommand({ taskToken, error, cause: cause.slice(0, 1_000) }))),
    heartbeat: (taskToken) => answer(() => sfn.send(new SendTaskHeartbeatCommand({ taskToken }))),
  };
}
