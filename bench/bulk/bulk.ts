import { EC2_PROFILE } from '../../functions/model/ec2-limits.ts';
import { parseInstanceId } from '../../functions/model/identifiers.ts';
import type { LimitOverride } from '../../functions/model/limit-profile.ts';
import { readBooks } from '../../local/sim/engine/books.ts';
import { inVirtualTime, type VirtualStack } from '../virtual/stack.ts';
import type { BulkPlan } from './cases.ts';
import { type BulkRow, type Counts, rowOf } from './document.ts';
import { type AskedMachine, timesOfCreation, timesOfRemoval } from './machines.ts';
import { CLOUD, meteredCloud, regionsOf } from './metered-cloud.ts';
import { requestFor } from './requests.ts';

/** Time in ms in which the meters of the clouds fill up, and polls become rare. */
const REST_MS = 15 * 60_000;
const LOOK_MS = 250;
const PATIENCE_MS = 2 * 60 * 60_000;

export interface BulkOptions {
  seed: number;
  /** True for AWS services without limits. */
  unlimitedServices?: boolean;
  say?(line: string): void;
}

/** Runs a case. @returns a row for the creation of its machines, and one for their removal if the plan has it */
export async function measureBulk(plan: BulkPlan, options: BulkOptions): Promise<BulkRow[]> {
  const limits: LimitOverride = plan.hasDefaultReserve ? { reserve: EC2_PROFILE.reserve ?? 0 } : {};
  const [created, ...removed] = await run(plan, limits, options);
  if (!created) throw new Error(`case ${plan.case} has no result`);
  if (!plan.hasBaseline) return [created, ...removed];
  const [baseline] = await run(plan, { tier: 'cautious', machinesPerCall: 1 }, options);
  if (!baseline) throw new Error(`the baseline of case ${plan.case} has no result`);
  const { acceptedSeconds, makespanSeconds, createCalls, throttled, calls } = baseline;
  const cautious = {
    cautiousAcceptedSeconds: acceptedSeconds,
    cautiousMakespanSeconds: makespanSeconds,
    cautiousCreateCalls: createCalls,
    cautiousThrottled: throttled,
    cautiousCalls: calls,
  };
  return [{ ...created, ...cautious }, ...removed];
}

async function run(
  plan: BulkPlan,
  limits: LimitOverride,
  { seed, unlimitedServices = false, say = () => {} }: BulkOptions,
): Promise<BulkRow[]> {
  const cloud = meteredCloud();
  const regions = regionsOf(cloud, plan.regions);
  const world = { seed, clouds: { [CLOUD]: cloud }, overstatedBy: 1, limits, unlimitedServices };
  return await inVirtualTime(world, async (stack) => {
    const { ground } = stack.lab;
    // Its machines keep the networks, the security groups and the key pairs in use.
    await stack.create(requestFor('earlier', plan.regions, regions));
    await stack.untilRunning(plan.regions);
    await ground.sleep(REST_MS);
    const before = countsOf(stack);
    const asked = await ask(stack, plan, regions);
    await stack.untilRunning(plan.regions + plan.instances, (made, seconds) =>
      say(`${plan.case}: ${made} machines made after ${seconds} s of virtual time`),
    );
    const made = rowOf(
      plan,
      timesOfCreation(cloud, machinesOf(stack, asked)),
      since(before, countsOf(stack)),
    );
    if (plan.removal === undefined) return [made];
    await ground.sleep(REST_MS);
    const atRest = countsOf(stack);
    const removed = await removeAll(stack, asked);
    await untilGone(stack, plan.regions);
    const times = timesOfRemoval(cloud, machinesOf(stack, removed));
    return [
      made,
      rowOf({ ...plan, case: plan.removal }, { ...times, idealCalls: 0 }, since(atRest, countsOf(stack))),
    ];
  });
}

interface Request {
  /** Time of the API's answer, in ms. */
  askedAtMs: number;
  likeness: string;
}

/** Sends the requests of a case. @returns each request by the id of its fleet */
async function ask(
  stack: VirtualStack,
  { instances, singles }: BulkPlan,
  regions: readonly string[],
): Promise<Map<string, Request>> {
  const { ground } = stack.lab;
  const requests = new Map<string, Request>();
  const create = async (name: string, size: number, userData?: string) => {
    const id = await stack.create(requestFor(name, size, regions, userData));
    requests.set(id, { askedAtMs: ground.now(), likeness: userData ?? '' });
  };
  if (!singles) await create('many', instances);
  else {
    await Promise.all(
      Array.from({ length: instances }, async (_, at) => {
        await ground.sleep((at * singles.withinSeconds * 1_000) / instances);
        await create(`one-${at}`, 1, singles.areAlike ? undefined : `#!/bin/sh\necho ${at}`);
      }),
    );
  }
  return requests;
}

/** Asks for the removal of the fleets. @returns each request by the id of its fleet */
async function removeAll(
  stack: VirtualStack,
  fleets: ReadonlyMap<string, Request>,
): Promise<Map<string, Request>> {
  const requests = new Map<string, Request>();
  for (const id of fleets.keys()) {
    await stack.remove(id);
    requests.set(id, { askedAtMs: stack.lab.ground.now(), likeness: '' });
  }
  return requests;
}

/** Returns the machines of these requests. @throws Error if the cloud made two machines for one instance */
function machinesOf({ lab }: VirtualStack, requests: ReadonlyMap<string, Request>): AskedMachine[] {
  const seen = new Set<string>();
  return lab.clouds.machines().flatMap((record) => {
    const fleetId = parseInstanceId(record.ours ?? '')?.fleetId ?? '';
    const request = requests.get(fleetId);
    if (!request || record.ours === undefined) return [];
    if (seen.has(record.ours)) throw new Error(`the cloud made two machines for ${record.ours}`);
    seen.add(record.ours);
    return [{ record, ...request }];
  });
}

/** Waits until no more than this number of machines exist. */
async function untilGone({ lab }: VirtualStack, left: number): Promise<void> {
  const { ground } = lab;
  const untilMs = ground.now() + PATIENCE_MS;
  const exist = () => {
    const nowMs = ground.now();
    let count = 0;
    for (const { live } of lab.clouds.sites)
      for (const { terminatedAtMs = Number.POSITIVE_INFINITY } of live.values())
        if (terminatedAtMs > nowMs) count += 1;
    return count;
  };
  while (exist() > left) {
    if (ground.now() > untilMs) throw new Error(`${exist()} machines were not removed within two hours`);
    await ground.sleep(LOOK_MS);
  }
}

/** Counts what the clouds were asked and have throttled since the beginning. */
function countsOf({ lab }: VirtualStack): Counts {
  const { asked, engine } = lab.clouds;
  const { clouds } = readBooks(engine.world);
  return {
    calls: asked.length,
    createCalls: asked.filter(({ call }) => call === 'create').length,
    throttled: clouds.reduce((sum, one) => sum + one.throttled, 0),
  };
}

const since = (before: Counts, now: Counts): Counts => ({
  calls: now.calls - before.calls,
  createCalls: now.createCalls - before.createCalls,
  throttled: now.throttled - before.throttled,
});
