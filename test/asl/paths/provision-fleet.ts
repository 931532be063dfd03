import type { Assignment } from '../../../functions/platform/workflow/messages.ts';
import { EXECUTION, FLEET_ID, withGiven } from '../../state-machines/assignment-builder.ts';
import { allGood } from '../../state-machines/world.ts';
import type { Expected, Path } from '../path.ts';
import {
  always,
  failure,
  inTurn,
  oneSite,
  oneSiteToRemove,
  twoClouds,
  twoCloudsToRemove,
} from './surroundings.ts';

const machine = 'provision-fleet';
const running = { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Running' } } as const;
const once = { assign: 1, settle: 1 };
const launched: Expected = { outcome: running, messages: { launch: 1 }, invocations: once };
const atTwoClouds: Expected = {
  outcome: running,
  messages: { launch: 4, 'await-launches': 2 },
  invocations: once,
};

/** Returns an assignment of one site with `size` positions, in messages for at most two. */
function inPairs(size: number): Assignment {
  const [aws] = twoClouds().clouds;
  if (!aws) throw new Error('the assignment has no cloud');
  const sites = aws.sites.slice(0, 1).map((site) => ({ ...site, count: size, chunk: 2 }));
  return { ...EXECUTION, clouds: [{ ...aws, sites }] };
}

/** Paths without an error of an AWS service. */
export const PROVISION_FLEET: readonly Path[] = [
  {
    id: 'fleet',
    title: 'a fleet at two clouds is provisioned, with a message for each location',
    machine,
    surround: () => ({ assignment: twoClouds() }),
    expected: atTwoClouds,
  },
  {
    id: 'one-message',
    title: 'if one message can have all launches of a connection, it also waits for them',
    machine,
    surround: () => ({ assignment: oneSite(3) }),
    expected: launched,
  },
  {
    id: 'chunks',
    title: 'a location with more positions than a message takes gets several messages',
    machine,
    surround: () => ({ assignment: inPairs(5) }),
    expected: { ...launched, messages: { launch: 3, 'await-launches': 1 } },
  },
  {
    id: 'given',
    title: 'what a fleet names by the clouds’ own ids is verified at each site',
    machine,
    surround: () => ({ assignment: withGiven(twoClouds(), twoCloudsToRemove()) }),
    expected: { ...atTwoClouds, messages: { ...atTwoClouds.messages, 'verify-site': 4 } },
  },
  {
    id: 'given-unverified',
    title: 'a site that cannot be verified is left to the preparation of its network resources',
    machine,
    surround: () => ({
      assignment: withGiven(oneSite(3), oneSiteToRemove()),
      answer: always('verify-site', failure('Unavailable')),
    }),
    expected: { ...launched, messages: { 'verify-site': 5, launch: 1 } },
  },
  {
    id: 'superseded',
    title: 'an execution that a later one has replaced settles without launching',
    machine,
    surround: () => ({ assignment: { ...EXECUTION, clouds: [] } }),
    expected: { outcome: running, messages: {}, invocations: once },
  },
  {
    id: 'fleet-failed',
    title: 'a fleet that ends Failed is a normal result of its execution',
    machine,
    surround: () => ({ assignment: oneSite(3), functions: { settle: () => ({ status: 'Failed' }) } }),
    expected: { ...launched, outcome: { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Failed' } } },
  },
  ...(['fleet', 'failed'] as const).map(
    (scope): Path => ({
      id: scope === 'fleet' ? 'rollback' : 'refine',
      title: `the output has the removal of scope \`${scope}\` that Settle has started`,
      machine,
      surround: () => {
        const removal = { fleetId: FLEET_ID, execution: 2, scope };
        return {
          assignment: oneSite(3),
          functions: { settle: () => ({ status: 'RollingBack', removal }) },
        };
      },
      expected: { ...launched, outcome: { status: 'SUCCEEDED' } },
    }),
  ),
  {
    id: 'heartbeats',
    title: 'a step that waits for launches lives as long as a worker sends heartbeats',
    machine,
    surround: () => ({
      assignment: oneSite(3),
      answer: always('launch', { afterMs: 7_200_000, beatEveryMs: 300_000, success: {} }),
    }),
    expected: launched,
  },
  {
    id: 'chunk-unanswered',
    title: 'a launch message without an answer is sent again once, and then left to the state Await',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: inPairs(4),
      answer: (message) => (message.kind === 'launch' && message.index === 0 ? undefined : allGood(message)),
    }),
    expected: { ...launched, messages: { launch: 3, 'await-launches': 1 } },
  },
  {
    id: 'chunk-fails',
    title: 'a launch message whose task fails is sent again',
    machine,
    repeatsTasks: true,
    surround: () => ({ assignment: inPairs(4), answer: inTurn('launch', failure('Sandbox.Timedout')) }),
    expected: { ...launched, messages: { launch: 3, 'await-launches': 1 } },
  },
  {
    id: 'await-repeated',
    title: 'a step that waits for launches sends its message again if its task fails',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: inPairs(4),
      answer: inTurn('await-launches', failure('Sandbox.Timedout')),
    }),
    expected: { ...launched, messages: { launch: 2, 'await-launches': 2 } },
  },
];
