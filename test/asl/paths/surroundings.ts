import type { DriverMessage } from '../../../functions/platform/workflow/messages.ts';
import { assignmentOf, type Part, sitesOf } from '../../state-machines/assignment-builder.ts';
import { type Answer, type Answerer, allGood, named } from '../../state-machines/world.ts';

/** Answers a message of one kind with the list's answers in turn, and afterwards as if all went well. */
export function inTurn(kind: DriverMessage['kind'], ...answers: Answer[]): Answerer {
  const left = [...answers];
  return (message) => (message.kind === kind && left.length > 0 ? left.shift() : allGood(message));
}

/** Answers every message of one kind in the same way, and others as if all went well. */
export function always(kind: DriverMessage['kind'], answer: Answer): Answerer {
  return (message) => (message.kind === kind ? answer : allGood(message));
}

export const failure = (code: string): Answer => ({ afterMs: 1_000, failure: code });

/** Returns work that throws errors of these names in turn, and afterwards returns the answer. */
export function failing<Value>(names: readonly string[], answer: Value): () => Value {
  const left = [...names];
  return () => {
    const name = left.shift();
    if (name !== undefined) throw named(name);
    return answer;
  };
}

/** Returns work that throws an error of this name each time. */
export function alwaysFailing(name: string): () => never {
  return () => {
    throw named(name);
  };
}

const parts = (size: number, locations: string[]): Part[] => [
  { cloud: 'aws', connection: 'production-aws', locations, size },
];

/** Returns an assignment of one location with `size` instances. */
export const oneSite = (size: number) => assignmentOf(parts(size, ['eu-west-1']));

const AT_TWO_CLOUDS: Part[] = [
  ...parts(6, ['eu-west-1', 'eu-west-2', 'us-east-1']),
  { cloud: 'gcp', connection: 'production-gcp', locations: ['europe-west1'], size: 2 },
];
/** Returns an assignment of two clouds: three locations with six instances, and one location with two. */
export const twoClouds = () => assignmentOf(AT_TWO_CLOUDS);

/** Returns what is to be removed at one location, and at the locations of two clouds. */
export const oneSiteToRemove = () => sitesOf(parts(1, ['eu-west-1']));
export const twoCloudsToRemove = () => sitesOf(AT_TWO_CLOUDS);
