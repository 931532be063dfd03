import { EXECUTION } from '../../state-machines/assignment-builder.ts';
import type { Json } from '../../state-machines/interpreter/definition.ts';
import type { Path } from '../path.ts';
import { always, alwaysFailing, failing, failure, oneSite, twoClouds } from './surroundings.ts';

const machine = 'provision-fleet';
const running = { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Running' } } as const;
const once = { assign: 1, settle: 1 };
const launches = { launch: 1 };
const interrupted = { status: 'FAILED', error: 'ProvisioningInterrupted' } as const;

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
    title: 'Assign and Settle are called again after an error',
    machine,
    surround: () => ({
      assignment: null,
      functions: {
        assign: failing(['Lambda.TooManyRequestsException', 'Lambda.ServiceException', 'Error'], oneSite(3)),
        settle: failing(['TypeError'], { status: 'Running' }),
      },
    }),
    expected: { outcome: running, messages: launches, invocations: { assign: 4, settle: 2 } },
  },
  {
    id: 'assign-fails',
    title: 'an execution whose Assign fails runs Settle once, and then fails',
    machine,
    surround: () => ({
      assignment: null,
      functions: { assign: alwaysFailing('TypeError'), settle: alwaysFailing('ProvisioningInterrupted') },
    }),
    expected: { outcome: interrupted, messages: {}, invocations: { assign: 5, settle: 1 } },
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
    id: 'queue-refuses',
    title: 'a message that the queue refuses is sent again',
    machine,
    surround: () => ({ assignment: oneSite(3), refusedMessages: 2 }),
    expected: { outcome: running, messages: launches, invocations: once },
  },
  {
    id: 'await-fails',
    title: 'an execution whose state Await fails at each try runs Settle once, and then fails',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: oneSite(3),
      answer: always('launch', failure('Sandbox.Timedout')),
      functions: { settle: alwaysFailing('ProvisioningInterrupted') },
    }),
    expected: { outcome: interrupted, messages: { launch: 51 }, invocations: once },
  },
  {
    id: 'broken-location',
    title:
      'an error of the workflow at one location does not stop the others, and the cloud waits for its launches',
    machine,
    surround: () => ({ assignment: broken({ site: { count: 'two' } }) }),
    expected: { outcome: running, messages: { launch: 3, 'await-launches': 2 }, invocations: once },
  },
  {
    id: 'broken-cloud',
    title: 'an error of the workflow at one cloud leaves its launches to the state Await',
    machine,
    surround: () => ({ assignment: broken({ cloud: { concurrentLocations: null } }) }),
    expected: { outcome: running, messages: { launch: 1, 'await-launches': 2 }, invocations: once },
  },
];
