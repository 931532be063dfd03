import assert from 'node:assert/strict';
import type { Connection } from '../../../functions/model/connection.ts';
import type { Fleet } from '../../../functions/model/fleet.ts';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import { assertIs, assertMet } from '../harness/case.ts';
import { type Field, inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Asked } from '../worlds/asked.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';
import type { Trouble } from '../worlds/script.ts';

/** The region that the cloud denies. Region B has no fault, and is the home region. */
export const A = 'us-west-2';
export const B = 'us-east-1';
const SITE = SITES.aws;
/** Maximum time in which a fleet that only names the denied region fails, in ms. */
const QUICK_MS = 60_000;
/** Status of the answer to a dry run that would be allowed. */
const DRY_RUN = 412;

export interface Denial {
  status: number;
  code: string;
  words: string;
  /** Calls that region A denies. */
  call: string | RegExp;
}

export const inA = ({ url }: Asked): boolean => url.hostname.includes(A);

export function denied({ status, code, words, call }: Denial): Trouble {
  return { call, when: inA, answer: () => refusal(status, code, words) };
}

type Ec2Field = Field<{ aws: Ec2World }>;

export const inTwoRegions = (play: (field: Ec2Field) => Promise<void>): Promise<void> =>
  inField({ worlds: () => ({ aws: new Ec2World({ regions: [A, B] }) }) }, play);

export function orderIn(
  { user }: Pick<Ec2Field, 'user'>,
  name: string,
  locations: string[],
  size: number,
): FleetRequest {
  const order = user.order(name, 'cloud', SITE, size, { failurePolicy: 'continue' });
  return { ...order, nodeGroups: order.nodeGroups.map((group) => ({ ...group, locations })) };
}

export const isSettled = ({ status }: Fleet): boolean => status !== 'Preparing' && status !== 'Creating';

/** Checks that a connection is of use: a fleet in B alone is accepted and runs. */
export async function runsInB(field: Ec2Field, name: string): Promise<void> {
  const { stage } = field;
  const fleet = await stage.create(orderIn(field, name, [B], 2));
  const up = await stage.until(fleet.id, isSettled);
  assertIs('a fleet in B alone', [up.status, up.counts.Running], ['Running', 2]);
}

export function assertReady({ status, failure }: Connection): void {
  assertIs('the connection', [status, failure], ['Ready', undefined]);
}

/** Plays a denial of creates in A that begins after the inventory was read. */
export async function playDeniedCreates(field: Ec2Field, denial: Denial): Promise<void> {
  const { stage, user, worlds, ground } = field;
  await user.makeNamespace();
  await user.connect('cloud', SITE);
  const met = worlds.aws.script.trouble(denied(denial));
  const both = await stage.create(orderIn(field, 'both', [A, B], 6));
  const up = await stage.until(both.id, isSettled);
  assertIs('the fleet in A and B', [up.status, up.counts.Running], ['Running', 6]);
  assertIs(
    'machines in B',
    worlds.aws.standing(ground.now()).map(({ zone }) => zone.slice(0, -1)),
    Array(6).fill(B),
  );
  assertMet('denied calls in A', met);
  const { health } = await user.health('cloud');
  const shown = health?.deniedCalls.find(({ location, code }) => location === A && code === denial.code);
  assert.ok(shown?.message.includes(denial.words), JSON.stringify(health));
  assertReady(await user.connection('cloud'));
  await runsInB(field, 'only-b');

  const askedAtMs = ground.now();
  const alone = await stage.create(orderIn(field, 'only-a', [A], 2));
  const failed = await stage.until(alone.id, isSettled);
  assertIs('the fleet in A alone', [failed.status, failed.counts.Failed], ['Failed', 2]);
  assert.ok(ground.now() - askedAtMs < QUICK_MS, `it failed after ${ground.now() - askedAtMs} ms`);
  assert.ok(JSON.stringify(failed.failures).includes(denial.words), JSON.stringify(failed.failures));
  const creates = worlds.aws.script.noted.filter(
    ({ call, status }) => call === 'RunInstances' && status >= 400 && status !== DRY_RUN,
  );
  assert.ok(creates.length <= 3, `EC2 denied ${creates.length} creates`);
  assertReady(await user.connection('cloud'));

  met.end();
  await stage.act(alone.id, 'retry');
  const again = await stage.until(alone.id, (one) => one.status !== 'Failed' && isSettled(one));
  const after = (await user.health('cloud')).health?.deniedCalls.map(({ call }) => call);
  assert.ok(!after?.includes('ec2:RunInstances'), JSON.stringify(after));
  assertIs('the fleet in A alone after a retry', [again.status, again.counts.Running], ['Running', 2]);
}
