import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  paginateGetExecutionHistory,
  paginateListExecutions,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { executionName } from '../../functions/features/fleets/workflows.ts';
import { EXECUTION, FLEET_ID } from '../state-machines/assignment-builder.ts';
import { jsonSchema } from '../state-machines/interpreter/definition.ts';
import type { Outcome } from '../state-machines/interpreter/run.ts';
import { inputOf, MACHINES, type MachineName, machineArn } from '../state-machines/world.ts';
import type { Observation, Path, Started } from './path.ts';
import type { Play } from './play.ts';
import { sameOrder } from './trace.ts';

const ASK_EACH_MS = 200;
/** A path takes less than a minute on a busy machine. */
const PATH_MS = 300_000;

/**
 * Starts the execution of a path, and waits until all executions of its fleet have ended. Adds the states that they
 * entered to `entered`, as `<machine> <state>`.
 */
export async function observe(
  sfn: SFNClient,
  play: Play,
  { machine, id }: Path,
  entered: Set<string>,
): Promise<Observation> {
  const name = executionName({ fleetId: play.fleetId, execution: EXECUTION.execution });
  const input = JSON.stringify(play.toMoto(play.surroundings.input ?? inputOf(machine)));
  const stateMachineArn = machineArn(machine);
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  const executions = await untilEnded(sfn, play.fleetId, id);
  for (const { arn, machine: of } of executions) await collectStates(sfn, arn, of, entered);
  return sameOrder({
    outcome: await outcomeOf(sfn, executionArn ?? '', play),
    started: executions
      .filter(({ arn }) => arn !== executionArn)
      .map(({ machine: of, name: other, status }) => ({
        machine: of,
        name: other.replace(play.fleetId, ''),
        status,
      })),
    messages: play.messages,
    invocations: play.invocations,
  });
}

async function untilEnded(
  sfn: SFNClient,
  fleetId: string,
  id: string,
): Promise<(Started & { arn: string })[]> {
  const deadlineMs = Date.now() + PATH_MS;
  for (;;) {
    const executions = await executionsOf(sfn, fleetId);
    if (executions.every(({ status }) => status !== 'RUNNING')) return executions;
    if (Date.now() > deadlineMs) {
      throw new Error(`${id} still runs after ${PATH_MS / 1_000} s: ${JSON.stringify(executions)}`);
    }
    await sleep(ASK_EACH_MS);
  }
}

async function executionsOf(sfn: SFNClient, fleetId: string): Promise<(Started & { arn: string })[]> {
  const found: (Started & { arn: string })[] = [];
  for (const machine of MACHINES) {
    const pages = paginateListExecutions({ client: sfn }, { stateMachineArn: machineArn(machine) });
    for await (const { executions = [] } of pages) {
      for (const { name = '', status = '', executionArn: arn = '' } of executions) {
        if (name.startsWith(`${fleetId}-`)) found.push({ machine, name, status, arn });
      }
    }
  }
  return found;
}

async function collectStates(
  sfn: SFNClient,
  executionArn: string,
  machine: MachineName,
  entered: Set<string>,
): Promise<void> {
  for await (const { events = [] } of paginateGetExecutionHistory({ client: sfn }, { executionArn })) {
    for (const { stateEnteredEventDetails } of events) {
      if (stateEnteredEventDetails?.name) entered.add(`${machine} ${stateEnteredEventDetails.name}`);
    }
  }
}

async function outcomeOf(sfn: SFNClient, executionArn: string, play: Play): Promise<Outcome> {
  const described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
  const { status, output, error = '', cause = '' } = described;
  if (status === 'SUCCEEDED') {
    return { status, output: play.fromMoto(jsonSchema.parse(JSON.parse(output ?? 'null'))) };
  }
  if (status !== 'FAILED' && status !== 'TIMED_OUT') throw new Error(`the execution ended ${status}`);
  return { status, error, cause: cause.replaceAll(play.fleetId, FLEET_ID) };
}
