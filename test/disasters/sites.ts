import { expect } from 'vitest';
import type { Cloud } from '../../functions/model/cloud.ts';
import {
  client,
  control,
  deleteFleet,
  fleetWhen,
  group,
  namespace,
  pause,
  request,
  untilUp,
} from '../e2e/deployed.ts';
import { CloudAudit, instancesOf } from './cloud-audit.ts';

const setUp = (cloud: Cloud, location: string, up: boolean) =>
  control('POST', `clouds/${cloud}/locations/${location}`, { up });

/** Takes one location down during the launches, and another location during the removal. */
export async function siteIsDownForAWhile(): Promise<void> {
  const audit = await CloudAudit.begin('openstack');
  const body = request('patient', group('sim-openstack', 60, ['GRA11', 'DE1', 'WAW1']));
  const fleet = await client.createFleet({ params: { namespace }, body });
  await setUp('openstack', 'DE1', false);
  try {
    await fleetWhen(fleet.id, ({ counts }) => (counts.Running ?? 0) > 0);
  } finally {
    await setUp('openstack', 'DE1', true);
  }
  expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 60 } });
  await audit.expectAsRecorded([fleet]);
  await client.deleteFleet({ params: { namespace, fleet: fleet.id } });
  await setUp('openstack', 'WAW1', false);
  await pause(15_000);
  await setUp('openstack', 'WAW1', true);
  await fleetWhen(fleet.id, ({ status }) => status === 'Terminated');
  await audit.expectNothingLeft([fleet]);
}

/** Takes a location down during the launches until the fleet runs at other locations or rolls back. */
export async function siteIsDownPermanently(): Promise<void> {
  const audit = await CloudAudit.begin('tencent');
  const locations = ['ap-guangzhou', 'ap-shanghai', 'ap-singapore', 'ap-seoul'];
  // Launches without a machine move to other locations within 90 seconds. A launch with a machine at the
  // location that is down times out, because no list shows the machine.
  const tencent = { ...group('sim-tencent', 60, locations), instanceTimeoutSeconds: 90 };
  const body = { ...request('moving', tencent), failurePolicy: 'rollback' as const };
  const fleet = await client.createFleet({ params: { namespace }, body });
  const there = (counts: { Creating?: number; Running?: number }) =>
    (counts.Creating ?? 0) + (counts.Running ?? 0);
  await fleetWhen(fleet.id, ({ byLocation }) =>
    byLocation.some(({ location, counts }) => location === 'ap-shanghai' && there(counts) > 0),
  );
  await setUp('tencent', 'ap-shanghai', false);
  const ended = await fleetWhen(fleet.id, ({ status }) => !['Preparing', 'Creating'].includes(status));
  // Workers can list and remove machines at the location only when it is up again.
  await setUp('tencent', 'ap-shanghai', true);
  if (ended.status === 'Running') {
    expect(ended.counts.Running).toBe(60);
    await audit.expectAsRecorded([fleet]);
    await deleteFleet(fleet.id);
  } else {
    const over = await fleetWhen(fleet.id, ({ status }) => status === 'RolledBack');
    expect(over.failures.length).toBeGreaterThan(0);
  }
  await audit.expectNothingLeft([fleet]);
}

/** Revokes the credential during the launches, and restores it after the fleet was deleted. */
export async function credentialIsRevoked(): Promise<void> {
  const audit = await CloudAudit.begin('ncp');
  const ncp = { ...group('sim-ncp', 24, ['KR', 'SGN']), instanceTimeoutSeconds: 60 };
  const fleet = await client.createFleet({ params: { namespace }, body: request('revoked', ncp) });
  await fleetWhen(fleet.id, ({ counts }) => (counts.Creating ?? 0) > 4);
  await control('PUT', 'accounts/sim-ncp', { revoked: true });
  let ended: Awaited<ReturnType<typeof untilUp>>;
  try {
    ended = await untilUp(fleet.id);
    expect(['PartiallyRunning', 'Failed']).toContain(ended.status);
    expect(ended.failures.map(({ code }) => code)).toContain('Unauthorized');
    const connection = await client.getConnection({ params: { namespace, connection: 'sim-ncp' } });
    expect(connection.status).toBe('Failed');
    // The API still shows everything that the cloud has: machines as instances, networks as resources.
    const open = new Set(
      (await instancesOf(fleet.id)).filter(({ status }) => status !== 'Failed').map(({ id }) => id),
    );
    expect((await audit.books()).leaked(open)).toEqual([]);
    const { items } = await client.listResources({ params: { namespace }, query: { fleet: fleet.id } });
    expect(items.length).toBeGreaterThan(0);
    await client.deleteFleet({ params: { namespace, fleet: fleet.id } });
    await pause(5_000);
    expect((await fleetWhen(fleet.id, () => true)).status).toBe('Terminating');
  } finally {
    await control('PUT', 'accounts/sim-ncp', {});
  }
  await client.verifyConnection({ params: { namespace, connection: 'sim-ncp' } });
  await fleetWhen(fleet.id, ({ status }) => status === 'Terminated');
  await audit.expectNothingLeft([fleet]);
}
