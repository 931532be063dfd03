import { executionName } from '../../functions/features/fleets/workflows.ts';
import { EXECUTION, FLEET_ID } from '../state-machines/assignment-builder.ts';
import { inputOf, machineOf, named, World } from '../state-machines/world.ts';
import type { Observation, Path, Surroundings } from './path.ts';
import { sameOrder, textOf, withoutToken } from './trace.ts';

/** Makes starts of other executions fail as the path says. */
function faultStarts(world: World, faultOf: NonNullable<Surroundings['faultOf']>): void {
  const start = world.engine.startChild.bind(world.engine);
  const attempts = new Map<string, number>();
  world.engine.startChild = (arn, name, input) => {
    const attempt = (attempts.get(name) ?? 0) + 1;
    attempts.set(name, attempt);
    const fault = faultOf({ machine: machineOf(arn), name, attempt });
    if (!fault) return start(arn, name, input);
    if ('input' in fault) return start(arn, name, fault.input);
    if (fault.started) start(arn, name, input);
    throw named(`StepFunctions.${fault.code}Exception`);
  };
}

/** Plays a path in the interpreter of `test/state-machines`, in virtual time. */
export async function observeOwnInterpreter({ machine, surround }: Path): Promise<Observation> {
  const { assignment, answer, functions, input, refusedMessages = 0, faultOf } = surround();
  const world = new World(assignment, answer, functions);
  world.sendErrors.push(...Array.from({ length: refusedMessages }, () => 'SQS.SdkClientException'));
  if (faultOf) faultStarts(world, faultOf);
  const outcome = await world.run(machine, input ?? inputOf(machine));
  const { executions } = world.engine;
  await world.scheduler.run(Promise.all(executions.map(({ finished }) => finished)));
  const own = executionName(EXECUTION);
  const started = executions.flatMap(({ machineArn: arn, name, outcome: end }) => {
    const started = { machine: machineOf(arn), name: name.replace(FLEET_ID, ''), status: end?.status ?? '' };
    return started.machine === machine && name === own ? [] : [started];
  });
  return sameOrder({
    outcome,
    started,
    messages: world.sent.map(({ message }) => withoutToken(message)),
    invocations: world.invoked.map(({ name, payload }) => `${name} ${textOf(payload)}`),
  });
}
