import type { Admission } from './admission.ts';
import { type CreateEffects, checkCreate, createInstance } from './create-instance.ts';
import { instanceView, terminateInstance } from './instances.ts';
import type { InstanceRecord } from './records.ts';
import { Refusal } from './refusals.ts';
import type { CreateInput } from './requests.ts';
import { bootedAtMs, createdAtMs } from './status.ts';
import type { Target, World } from './world.ts';

/** The outcome for one of several instances. */
type Outcome = { instance: object } | { error: { status: number; code: string; message: string } };

/** Returns the time at which the cloud answers the create call of an instance. */
export function answeredAtMs({ cloud, nowMs }: Target, record: InstanceRecord): number {
  return Math.max(nowMs, cloud.answersWhenRunning ? bootedAtMs(record) : createdAtMs(record));
}

/**
 * Creates several instances. If the cloud has room for some of them only, the others are refused one by one, and the
 * answer has their errors beside the instances.
 *
 * @returns the answer, with one outcome for each input, in the order of the inputs
 * @throws Refusal if the call asks for too many instances, or an input is invalid. Nothing is created then
 */
export function createInstances(
  world: World,
  admission: Admission,
  target: Target,
  inputs: readonly CreateInput[],
  effects: CreateEffects,
): { body: { items: Outcome[] }; atMs: number } {
  const { cloud, nowMs } = target;
  const tokens = inputs.flatMap(({ launchToken }) => launchToken ?? []);
  if (inputs.length > cloud.instancesPerCall)
    throw new Refusal('TooManyInstances', `instances: a call makes at most ${cloud.instancesPerCall}`);
  if (new Set(tokens).size < tokens.length)
    throw new Refusal('InvalidParameter', 'instances: two instances have the same launch token');
  for (const input of inputs) checkCreate(target, input);
  const made = inputs.map((input) =>
    outcomeOf(() => createInstance(world, admission, target, input, effects).record),
  );
  const records = made.flatMap((one) => (one instanceof Refusal ? [] : [one]));
  const atMs = Math.max(nowMs, ...records.map((record) => answeredAtMs(target, record)));
  const items = made.map((one): Outcome => {
    if (!(one instanceof Refusal)) return { instance: instanceView(cloud, one, atMs) };
    return { error: shownIn(one) };
  });
  return { body: { items }, atMs };
}

/**
 * Terminates several instances. An instance that does not exist does not spare the others.
 *
 * @returns the answer, with one outcome for each id, in the order of the ids
 */
export function terminateInstances(
  world: World,
  target: Target,
  backendIds: readonly string[],
  stuckForMs: number,
): { items: ({ id: string } & Outcome)[] } {
  const items = backendIds.map((id) => {
    const ended = outcomeOf(() => terminateInstance(world, target, id, stuckForMs));
    if (ended instanceof Refusal) return { id, error: shownIn(ended) };
    return { id, instance: instanceView(target.cloud, ended, target.nowMs) };
  });
  return { items };
}

const shownIn = ({ status, code, message }: Refusal) => ({ status, code, message });

function outcomeOf<Made>(make: () => Made): Made | Refusal {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error;
  }
}
