import { ExecutionAlreadyExists, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { usage } from '../runtime/usage.ts';

/** Starts a workflow for a fleet under a name; one that was started under this name already is the same one. */
export async function startWorkflow(
  sfn: SFNClient,
  stateMachineArn: string,
  name: string,
  fleetId: string,
): Promise<void> {
  usage.sfnRequests += 1;
  try {
    await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify({ fleetId }) }));
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
  }
}
