import type { DriverMessage } from '../../../functions/platform/workflow/messages.ts';
import { EXECUTION, FLEET_ID } from '../../state-machines/assignment-builder.ts';
import { type Answer, type Answerer, allGood } from '../../state-machines/world.ts';
import type { Path } from '../path.ts';
import { alwaysFailing, failing, failure, oneSiteToRemove, twoCloudsToRemove } from './surroundings.ts';

const machine = 'terminate-fleet';
const incomplete = () => ({ status: 'Terminating', done: false });
const gone = {
  status: 'SUCCEEDED',
  output: { fleetId: FLEET_ID, status: 'Terminated', done: true },
} as const;
const left = {
  status: 'FAILED',
  error: 'TerminationIncomplete',
  cause: `fleet ${FLEET_ID} is Terminating`,
} as const;
const once = { 'begin-termination': 1, 'finish-termination': 1 };

/** Answers the messages of one kind, round and location in turn, and all others as if all went well. */
function at(
  location: string,
  kind: DriverMessage['kind'],
  round: string | undefined,
  answers: Answer[],
): Answerer {
  const turns = [...answers];
  return (message) => {
    const isMeant =
      message.kind === kind &&
      'location' in message &&
      message.location === location &&
      (round === undefined || ('round' in message && message.round === round));
    return isMeant && turns.length > 0 ? turns.shift() : allGood(message);
  };
}

export const TERMINATE_FLEET: readonly Path[] = [
  {
    id: 'removal',
    title: 'a fleet at two clouds is removed: instances, then keys and groups, then networks',
    machine,
    surround: () => ({ assignment: twoCloudsToRemove() }),
    expected: { outcome: gone, messages: { terminate: 4, 'remove-networks': 8 }, invocations: once },
  },
  {
    id: 'removal-of-failed',
    title: 'the scope `failed` is part of each message',
    machine,
    surround: () => ({ assignment: oneSiteToRemove(), input: { ...EXECUTION, scope: 'failed' } }),
    expected: { outcome: gone, messages: { terminate: 1, 'remove-networks': 2 }, invocations: once },
  },
  {
    id: 'nothing-to-remove',
    title: 'a fleet without resources ends as removed',
    machine,
    surround: () => ({ assignment: { ...EXECUTION, clouds: [] } }),
    expected: { outcome: gone, messages: {}, invocations: once },
  },
  {
    id: 'termination-retried',
    title: 'the termination of a site is repeated after a conflict, and a time-out counts as one',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: twoCloudsToRemove(),
      answer: at('eu-west-2', 'terminate', undefined, [failure('Conflict'), undefined]),
    }),
    expected: { outcome: gone, messages: { terminate: 6, 'remove-networks': 8 }, invocations: once },
  },
  ...['Unauthorized', 'Forbidden', 'InvalidRequest', 'Unsupported'].map(
    (code): Path => ({
      id: `termination-${code.toLowerCase()}`,
      title: `a termination that fails as ${code} is not repeated, and the other sites continue`,
      machine,
      surround: () => ({
        assignment: twoCloudsToRemove(),
        answer: at('eu-west-2', 'terminate', undefined, [failure(code)]),
        functions: { 'finish-termination': incomplete },
      }),
      expected: { outcome: left, messages: { terminate: 4, 'remove-networks': 8 }, invocations: once },
    }),
  ),
  {
    id: 'access-retried',
    title: 'the removal of a security group is repeated while an instance needs it',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: twoCloudsToRemove(),
      answer: at('us-east-1', 'remove-networks', 'access', [failure('Conflict'), failure('Conflict')]),
    }),
    expected: { outcome: gone, messages: { terminate: 4, 'remove-networks': 10 }, invocations: once },
  },
  {
    id: 'access-left',
    title: 'a key pair that cannot be removed does not stop the removal of networks',
    machine,
    surround: () => ({
      assignment: twoCloudsToRemove(),
      answer: at('us-east-1', 'remove-networks', 'access', [failure('Forbidden')]),
      functions: { 'finish-termination': incomplete },
    }),
    expected: { outcome: left, messages: { terminate: 4, 'remove-networks': 8 }, invocations: once },
  },
  {
    id: 'network-left',
    title: 'a network that cannot be removed fails the execution',
    machine,
    surround: () => ({
      assignment: twoCloudsToRemove(),
      answer: at('europe-west1', 'remove-networks', 'network', [failure('Unsupported')]),
      functions: { 'finish-termination': incomplete },
    }),
    expected: { outcome: left, messages: { terminate: 4, 'remove-networks': 8 }, invocations: once },
  },
  {
    id: 'termination-begins-late',
    title: 'BeginTermination and FinishTermination are called again after an error of Lambda',
    machine,
    surround: () => ({
      assignment: null,
      functions: {
        'begin-termination': failing(['Lambda.TooManyRequestsException', 'TypeError'], oneSiteToRemove()),
        'finish-termination': failing(['Lambda.ServiceException'], { status: 'Terminated', done: true }),
      },
    }),
    expected: {
      outcome: gone,
      messages: { terminate: 1, 'remove-networks': 2 },
      invocations: { 'begin-termination': 3, 'finish-termination': 2 },
    },
  },
  {
    id: 'termination-cannot-begin',
    title: 'FinishTermination records what is left even if BeginTermination fails',
    machine,
    surround: () => ({
      assignment: null,
      functions: { 'begin-termination': alwaysFailing('TypeError'), 'finish-termination': incomplete },
    }),
    expected: {
      outcome: left,
      messages: {},
      invocations: { 'begin-termination': 5, 'finish-termination': 1 },
    },
  },
  {
    id: 'termination-of-broken-cloud',
    title: 'an error of the workflow at one cloud does not stop the others',
    machine,
    surround: () => {
      const [first, second] = twoCloudsToRemove().clouds;
      if (!first || !second) throw new TypeError('the assignment has no two clouds');
      return {
        assignment: { ...EXECUTION, clouds: [{ ...first, concurrentLocations: null }, second] },
        functions: { 'finish-termination': incomplete },
      };
    },
    expected: { outcome: left, messages: { terminate: 1, 'remove-networks': 8 }, invocations: once },
  },
];
