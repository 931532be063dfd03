import { EXECUTION, FLEET_ID } from '../../state-machines/assignment-builder.ts';
import type { Json } from '../../state-machines/interpreter/definition.ts';
import type { Path, StartFault, Surroundings } from '../path.ts';
import { child } from './provision-fleet.ts';
import { alwaysFailing, failing, oneSite, twoClouds } from './surroundings.ts';

const machine = 'provision-fleet';
const settled = { ...EXECUTION, status: 'Running' };
const running = { status: 'SUCCEEDED', output: settled } as const;
const once = { assign: 1, settle: 1, 'record-history': 1 };
const launches = { 'prepare-networks': 1, launch: 3 };
const interrupted = (by: string) =>
  ({ status: 'FAILED', error: 'ProvisioningInterrupted', cause: `ended early by ${by}` }) as const;

/** Returns what makes the first starts of a child fail as `faults` says. */
function startsOf(machineName: 'provision-location' | 'terminate-fleet', ...faults: StartFault[]) {
  return ({ machine: started, attempt }: { machine: string; attempt: number }): StartFault | undefined =>
    started === machineName ? faults[attempt - 1] : undefined;
}
const refused = (code: string): StartFault => ({ code, started: false });
const removal = { fleetId: FLEET_ID, execution: 2, scope: 'fleet' };

function rollingBack(faultOf: NonNullable<Surroundings['faultOf']>): Surroundings {
  return {
    assignment: oneSite(3),
    functions: { settle: () => ({ status: 'RollingBack', removal }) },
    faultOf,
  };
}

/** Returns an assignment of two clouds in which Assign has made a mistake: a field of the first site or cloud is wrong. */
function broken(wrong: { site?: Record<string, Json>; cloud?: Record<string, Json> }): Json {
  const clouds = twoClouds().clouds.map((cloud, at) => {
    const sites = cloud.sites.map((site, which) => (at + which === 0 ? { ...site, ...wrong.site } : site));
    return { ...cloud, sites, ...(at === 0 ? wrong.cloud : {}) };
  });
  return { ...EXECUTION, clouds };
}

/** Paths with an error of an AWS service or of the workflow. */
export const PROVISION_ERRORS: readonly Path[] = [
  {
    id: 'functions-retried',
    title: 'Assign, Settle and RecordHistory are called again after an error',
    machine,
    surround: () => ({
      assignment: null,
      functions: {
        assign: failing(['Lambda.TooManyRequestsException', 'Lambda.ServiceException', 'Error'], oneSite(3)),
        settle: failing(['TypeError'], { status: 'Running' }),
        'record-history': failing(['Lambda.SdkClientException'], {}),
      },
    }),
    expected: {
      outcome: running,
      messages: launches,
      invocations: { assign: 4, settle: 2, 'record-history': 2 },
      started: [child(0)],
    },
  },
  {
    id: 'assign-fails',
    title: 'an execution whose Assign fails runs Settle, and then fails',
    machine,
    surround: () => ({ assignment: null, functions: { assign: alwaysFailing('TypeError') } }),
    expected: {
      outcome: interrupted('TypeError'),
      messages: {},
      invocations: { assign: 5, settle: 1, 'record-history': 1 },
    },
  },
  {
    id: 'settle-fails',
    title: 'an execution whose Settle never succeeds fails with the error of Settle',
    machine,
    surround: () => ({ assignment: oneSite(3), functions: { settle: alwaysFailing('TypeError') } }),
    expected: {
      outcome: { status: 'FAILED', error: 'TypeError' },
      messages: launches,
      invocations: { assign: 1, settle: 5 },
    },
  },
  {
    id: 'history-fails',
    title: 'an execution whose RecordHistory never succeeds fails after the fleet is settled',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      functions: { 'record-history': alwaysFailing('RangeError') },
    }),
    expected: {
      outcome: { status: 'FAILED', error: 'RangeError' },
      messages: launches,
      invocations: { assign: 1, settle: 1, 'record-history': 5 },
    },
  },
  {
    id: 'queue-refuses',
    title: 'a message that the queue refuses is sent again',
    machine,
    surround: () => ({ assignment: oneSite(3), refusedMessages: 2 }),
    expected: { outcome: running, messages: launches, invocations: once, started: [child(0)] },
  },
  {
    id: 'child-start-refused',
    title: 'a start that Step Functions refuses for its limit is repeated under the same name',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      faultOf: startsOf(
        'provision-location',
        refused('ExecutionLimitExceeded'),
        refused('ExecutionLimitExceeded'),
      ),
    }),
    expected: { outcome: running, messages: launches, invocations: once, started: [child(0)] },
  },
  {
    id: 'child-start-lost',
    title:
      'a child that runs is found by its name, and not started twice, if the answer to its start was lost',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      // The children run longer than the pause before the retry.
      answer: () => ({ afterMs: 300_000, success: { outcome: 'Running' } }),
      faultOf: startsOf('provision-location', { code: 'ExecutionLimitExceeded', started: true }),
    }),
    expected: { outcome: running, messages: launches, invocations: once, started: [child(0)] },
  },
  {
    id: 'child-exists',
    title: 'a child that has already run is no error',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      faultOf: startsOf('provision-location', refused('ExecutionAlreadyExists')),
    }),
    expected: { outcome: running, messages: { 'prepare-networks': 1 }, invocations: once, started: [] },
  },
  {
    id: 'child-never-starts',
    title: 'an execution whose child cannot be started settles, and then fails',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      faultOf: startsOf('provision-location', refused('StateMachineDoesNotExist')),
    }),
    expected: {
      outcome: interrupted('StepFunctions.StateMachineDoesNotExistException'),
      messages: { 'prepare-networks': 1 },
      invocations: once,
      started: [],
    },
  },
  {
    id: 'child-fails',
    title: 'the other children run if one fails, and the execution settles and then fails',
    machine,
    surround: () => ({
      assignment: twoClouds(),
      faultOf: ({ name }) => (name.endsWith('-2') ? { input: { fleetId: FLEET_ID } } : undefined),
    }),
    expected: {
      outcome: interrupted('States.TaskFailed'),
      messages: { 'prepare-networks': 4, launch: 6 },
      invocations: once,
      started: [child(0), child(2, 'FAILED'), child(4), child(6)],
    },
  },
  {
    id: 'broken-location',
    title: 'an error of the workflow at one location does not stop the others',
    machine,
    surround: () => ({ assignment: broken({ site: { count: 'two' } }) }),
    expected: {
      outcome: interrupted('States.QueryEvaluationError'),
      messages: { 'prepare-networks': 4, launch: 6 },
      invocations: once,
      started: [child(2), child(4), child(6)],
    },
  },
  {
    id: 'broken-cloud',
    title: 'an error of the workflow at one cloud does not stop the others',
    machine,
    surround: () => ({ assignment: broken({ cloud: { concurrentLocations: null } }) }),
    expected: {
      outcome: interrupted('States.QueryEvaluationError'),
      messages: { 'prepare-networks': 1, launch: 2 },
      invocations: once,
      started: [child(6)],
    },
  },
  {
    id: 'removal-exists',
    title: 'a removal that was already started is not started again',
    machine,
    surround: () => rollingBack(startsOf('terminate-fleet', refused('ExecutionAlreadyExists'))),
    expected: {
      outcome: { status: 'SUCCEEDED' },
      messages: launches,
      invocations: once,
      started: [child(0)],
    },
  },
  {
    id: 'removal-not-started',
    title: 'a removal that cannot be started is left to the reconciler, and the execution succeeds',
    machine,
    surround: () => rollingBack(({ machine: of }) => (of === 'terminate-fleet' ? refused('Any') : undefined)),
    expected: {
      outcome: { status: 'SUCCEEDED' },
      messages: launches,
      invocations: once,
      started: [child(0)],
    },
  },
];
