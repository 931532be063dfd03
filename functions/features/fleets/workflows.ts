import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { usage } from '../../platform/runtime/usage.ts';
import type { Work } from '../../platform/store/fleets.ts';
import type { ProvisionInput, RemovalInput } from '../../platform/workflow/messages.ts';

/** One execution of a workflow, identified by the fleet and by the execution number in the fleet's item. */
export interface ExecutionRef {
  work: Work;
  fleetId: string;
  execution: number;
}

export type ExecutionState = 'running' | 'ended' | 'absent';

/** Starts workflows and reports their state. */
export interface Workflows {
  /** Starts an execution. Starting the same execution again has no effect. */
  start(ref: ExecutionRef): Promise<void>;
  /**
   * Returns the state of an execution. `absent` means that the execution was never started, or that it ended
   * so long ago that Step Functions has deleted it.
   */
  state(ref: ExecutionRef): Promise<ExecutionState>;
}

export const executionName = ({ fleetId, execution }: Omit<ExecutionRef, 'work'>): string =>
  `${fleetId}-${execution}`;

/** Returns the input of an execution of `terminate-fleet`. */
export function removalInput({
  work,
  fleetId,
  execution,
}: ExecutionRef & { work: 'refine' | 'remove' }): RemovalInput {
  return { fleetId, execution, scope: work === 'remove' ? 'fleet' : 'failed' };
}

/** Returns the input of an execution. */
export function inputOf({ work, fleetId, execution }: ExecutionRef): ProvisionInput | RemovalInput {
  return work === 'provision' ? { fleetId, execution } : removalInput({ work, fleetId, execution });
}

/**
 * Returns the workflows that run as state machines of Step Functions: `provision-fleet` and
 * `terminate-fleet`.
 */
export function openWorkflows(
  sfn: SFNClient,
  arns: { provisionFleet: string; terminateFleet: string },
): Workflows {
  const machines: Readonly<Record<Work, string>> = {
    provision: arns.provisionFleet,
    refine: arns.terminateFleet,
    remove: arns.terminateFleet,
  };
  return {
    start: (ref) => startExecution(sfn, machines[ref.work], ref),
    async state(ref) {
      usage.sfnRequests += 1;
      const executionArn = `${machines[ref.work].replace(':stateMachine:', ':execution:')}:${executionName(ref)}`;
      try {
        const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        return status === 'RUNNING' || status === 'PENDING_REDRIVE' ? 'running' : 'ended';
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return 'absent';
        throw error;
      }
    },
  };
}

/** Returns the part of the workflows that starts removals. */
export function openRemovals(sfn: SFNClient, terminateFleetArn: string): Pick<Workflows, 'start'> {
  return { start: (ref) => startExecution(sfn, terminateFleetArn, ref) };
}

async function startExecution(sfn: SFNClient, stateMachineArn: string, ref: ExecutionRef): Promise<void> {
  usage.sfnRequests += 1;
  try {
    const name = executionName(ref);
    const input = JSON.stringify(inputOf(ref));
    await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
  }
}
