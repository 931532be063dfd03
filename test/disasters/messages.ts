import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import { expect } from 'vitest';
import { siteOf } from '../../functions/platform/placement/lay-out.ts';
import type { DriverMessage, LaunchMessage } from '../../functions/platform/workflow/messages.ts';
import { driverMessageSchema } from '../../functions/platform/workflow/messages.ts';
import {
  client,
  deleteFleet,
  fleetWhen,
  group,
  namespace,
  pause,
  request,
  untilGone,
  untilUp,
} from '../e2e/deployed.ts';
import { CloudAudit } from './cloud-audit.ts';
import { deliver } from './engine.ts';
import { MailRobber } from './mail.ts';
import { awaitTokens } from './records.ts';

/** Time in ms in which the workers handle all messages that were sent again. */
const WORKED_OFF_MS = 10_000;

const TEN_LOCATIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'ca-central-1',
  'sa-east-1',
  'eu-west-1',
  'eu-central-1',
  'ap-northeast-1',
  'ap-south-1',
];
/**
 * Runs only one test at a time that stops the delivery. Otherwise one test could restart the delivery while
 * another needs it stopped.
 */
const oneAtATime = pLimit(1);

/**
 * Delivers messages of every kind twice, then again while the fleet runs, and again after the fleet is gone.
 */
export async function messagesComeAgain(): Promise<void> {
  const audit = await CloudAudit.begin('aws');
  const robber = new MailRobber();
  try {
    const body = request('robbed', group('sim-aws', 200, TEN_LOCATIONS));
    const fleet = await client.createFleet({ params: { namespace }, body });
    await withoutDelivery(() => caught(robber, fleet.id, 'launch'));
    expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 200 } });
    await audit.expectAsRecorded([fleet]);

    const launches = robber.kept(fleet.id).filter((message) => message.kind === 'launch');
    const byHand = [
      ...launches.map(giveUpOf),
      ...launches.map(preparationOf),
      ...launches.slice(0, 1).map(awaitOf),
      ...aboutConnections(launches),
      ...aboutFleets(launches),
      ...aboutSites(launches),
    ];
    await robber.send([...robber.kept(fleet.id), ...byHand]);
    await pause(WORKED_OFF_MS);
    await audit.expectAsRecorded([fleet]);
    expect(await fleetWhen(fleet.id, () => true)).toMatchObject({
      status: 'Running',
      counts: { Running: 200 },
    });

    await client.deleteFleet({ params: { namespace, fleet: fleet.id } });
    const terminates = await withoutDelivery(() => caught(robber, fleet.id, 'terminate'));
    await untilGone(fleet.id);
    byHand.push(...terminates.flatMap(networkRemovalsOf));
    const kinds = new Set([...robber.kept(), ...byHand].map(({ kind }) => kind));
    expect([...driverMessageSchema.options].map(({ shape }) => shape.kind.value).sort()).toEqual(
      [...kinds, 'sweep'].filter((kind, at, all) => all.indexOf(kind) === at).sort(),
    );
    await robber.send([...robber.kept(fleet.id), ...byHand]);
    await pause(WORKED_OFF_MS);
    await audit.expectNothingLeft([fleet]);
    expect((await fleetWhen(fleet.id, () => true)).status).toBe('Terminated');
  } finally {
    await robber.end();
  }
}

/** Answers task tokens before a machine is made, with wrong outcomes, and again after they were answered. */
export async function tokensAreAnsweredWrongly(): Promise<void> {
  const audit = await CloudAudit.begin('gcp');
  const robber = new MailRobber();
  const sfn = new SFNClient({ maxAttempts: 1 });
  const succeed = (taskToken: string) =>
    sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify({ outcome: 'Running' }) }));
  const fail = (taskToken: string, error: string) =>
    sfn.send(new SendTaskFailureCommand({ taskToken, error, cause: 'said by hand' }));
  try {
    const body = request('misled', group('sim-gcp', 60, ['us-central1', 'us-east1', 'us-west1']));
    const fleet = await client.createFleet({ params: { namespace }, body });
    await fleetWhen(fleet.id, ({ counts }) => (counts.Creating ?? 0) > 0);
    const launches = await withoutDelivery(() => caught(robber, fleet.id, 'launch'));
    const tokens = launches.flatMap((message) =>
      'taskToken' in message && message.taskToken !== undefined ? [message.taskToken] : [],
    );
    for (const [at, token] of tokens.entries()) {
      const answer = [() => succeed(token), () => fail(token, 'Mistake'), () => fail(token, 'QuotaExceeded')];
      await Promise.allSettled([answer[at % answer.length]?.()]);
    }
    const up = await untilUp(fleet.id);
    expect(up).toMatchObject({ status: 'Running', counts: { Running: 60 } });
    // No workflow step waits for these tokens any more.
    const late = await Promise.allSettled(
      tokens.flatMap((token) => [succeed(token), fail(token, 'Unsupported')]),
    );
    expect(late.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    await audit.expectAsRecorded([fleet]);
    await deleteFleet(fleet.id);
    await audit.expectNothingLeft([fleet]);
  } finally {
    await robber.end();
    sfn.destroy();
  }
}

/** Answers the steps that wait for launches while machines boot. The fleet must settle only when the machines run. */
export async function stepsEndTooEarly(): Promise<void> {
  const audit = await CloudAudit.begin('ibm');
  const sfn = new SFNClient({ maxAttempts: 1 });
  try {
    const body = request('hurried', group('sim-ibm', 60, ['us-south', 'us-east', 'eu-de']));
    const fleet = await client.createFleet({ params: { namespace }, body });
    let early = 0;
    while (early === 0) {
      for (const taskToken of await awaitTokens(fleet.id)) {
        await sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify({}) }));
        early += 1;
      }
      await pause(100);
    }
    const { counts } = await fleetWhen(fleet.id, () => true);
    expect(counts.Running ?? 0).toBeLessThan(60);
    expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 60 } });
    await audit.expectAsRecorded([fleet]);
    await deleteFleet(fleet.id);
    await audit.expectNothingLeft([fleet]);
  } finally {
    sfn.destroy();
  }
}

async function withoutDelivery<T>(work: () => Promise<T>): Promise<T> {
  return await oneAtATime(async () => {
    await deliver(false);
    try {
      return await work();
    } finally {
      await deliver(true);
    }
  });
}

/** Waits until `robber` has taken messages of this kind, and returns these messages. */
async function caught(
  robber: MailRobber,
  fleetId: string,
  kind: DriverMessage['kind'],
): Promise<DriverMessage[]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = robber.kept(fleetId).filter((message) => message.kind === kind);
    if (found.length > 0) {
      await pause(1_000);
      return robber.kept(fleetId).filter((message) => message.kind === kind);
    }
    await pause(200);
  }
  throw new Error(`no message of kind ${kind} for fleet ${fleetId} was taken from the queue`);
}

function giveUpOf({ fleetId, connectionKey, location, index, round }: LaunchMessage): DriverMessage {
  return { kind: 'give-up', fleetId, connectionKey, location, index, round, code: 'Timeout' };
}

/** Returns the message with which an execution of an earlier release prepared the networks of a site. */
function preparationOf({ fleetId, connectionKey, location }: LaunchMessage): DriverMessage {
  return { kind: 'prepare-networks', fleetId, connectionKey, location, taskToken: 'of an earlier release' };
}

function awaitOf({ fleetId, connectionKey }: LaunchMessage): DriverMessage {
  const taskToken = 'of no step';
  return { kind: 'await-launches', fleetId, connectionKey, execution: 1, taskToken, checks: 0, quiet: [] };
}

/**
 * Returns messages that remove networks. The test makes these messages, because a worker may receive the
 * workflow's messages before `MailRobber` takes them.
 */
function networkRemovalsOf(message: DriverMessage): DriverMessage[] {
  if (message.kind !== 'terminate') return [];
  return (['access', 'network'] as const).map((round) => ({ ...message, kind: 'remove-networks', round }));
}

function aboutConnections(launches: readonly LaunchMessage[]): DriverMessage[] {
  const keys = [...new Set(launches.map(({ connectionKey }) => connectionKey))];
  return keys.flatMap((connectionKey): DriverMessage[] => [
    { kind: 'verify', connectionKey },
    { kind: 'check-rights', connectionKey },
    // The id of a request that a later one has replaced.
    { kind: 'verify-network', connectionKey, changeId: '1kdvdnc4jyfcbym5' },
    { kind: 'sync-inventory', connectionKey },
    { kind: 'sweep-connection', connectionKey, dryRun: false },
    // The id of a deletion that has already ended.
    { kind: 'leave-account', connectionKey, deletionId: '1kdvdnc4jyfcbym5' },
  ]);
}

/**
 * Returns messages that remove shared networks without users, which networks in use must outlive, and messages that
 * verify sites where the fleet names nothing by the cloud's own ids.
 */
function aboutSites(launches: readonly LaunchMessage[]): DriverMessage[] {
  const byLocation = new Map(launches.map((launch) => [launch.location, launch]));
  return [...byLocation.values()].flatMap((launch): DriverMessage[] => {
    const { fleetId, round, taskToken = 'of no step' } = launch;
    return [
      { kind: 'verify-site', fleetId, ...siteOf(launch), round, taskToken },
      { kind: 'remove-unused', ...siteOf(launch), dueAtMs: 0, graceMs: 0 },
    ];
  });
}

function aboutFleets(launches: readonly LaunchMessage[]): DriverMessage[] {
  const fleetIds = [...new Set(launches.map(({ fleetId }) => fleetId))];
  return fleetIds.map((fleetId) => ({ kind: 'review-fleet', fleetId }));
}
