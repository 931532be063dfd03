import { fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import { parseInstanceId } from '../../functions/model/identifiers.ts';
import { SMALL_REGION } from '../../test/chaos/models/service-limits.ts';
import { startMoto } from '../../test/contract/servers/moto.ts';
import { countLeft } from '../../test/contract/servers/moto-ec2.ts';
import { rsaPublicKey } from '../../test/contract/suite/public-key.ts';
import { type Field, inField } from '../../test/field/harness/field.ts';
import { SITES, type Site } from '../../test/field/harness/sites.ts';
import { type Answered, MotoWorld } from './moto-world.ts';
import { GRACE_MS, type NetworksAsked, p95, REMOVAL_MS, rounded } from './networks.ts';

/** The result of `bench -- networks --driver aws`. Calls are those of EC2 that moto has answered. */
export interface NetworksOnMoto {
  fleets: number;
  /** Calls about networks, subnets, gateways, routes, security groups and key pairs, those of sweeps included. */
  networkCalls: number;
  networksMade: number;
  securityGroupsMade: number;
  keyPairsMade: number;
  /** All calls of launches and removals, lists included, for each machine. */
  callsPerMachine: number;
  /** Seconds from the request for a fleet until EC2 has accepted its machine. */
  p95SecondsToAccepted: number;
  /** Machines and network resources that moto still has after the grace time. */
  leaked: number;
}

const SITE: Site = { ...SITES.aws, instanceType: 'm5.large', image: 'al2023' };
const NETWORK_ACTION = /Vpc|Subnet|Gateway|Route|SecurityGroup|KeyPair/;

/**
 * Creates fleets of one machine each on one connection and location of driver `aws`, then removes them, and counts what
 * their networks took. Runs the shipped code in virtual time. moto answers in place of EC2.
 *
 * @throws StartFailure if moto cannot be installed or started
 */
export async function measureOnMoto(
  asked: NetworksAsked,
  say: (line: string) => void,
): Promise<NetworksOnMoto> {
  const moto = await startMoto();
  try {
    say(`moto answers at ${moto.url}`);
    const worlds = (ground: Field['ground']) => ({ aws: new MotoWorld(ground, moto.url, SITE.location) });
    const services = asked.unlimitedServices ? undefined : SMALL_REGION;
    const options = { seed: asked.seed, networkGraceMs: GRACE_MS, worlds, services };
    return await inField(options, async (field) => {
      await field.user.makeNamespace();
      await field.user.connect('cloud', SITE);
      say('the inventory is read');
      return await measure(field, asked, moto.url, say);
    });
  } finally {
    await moto.stop();
  }
}

async function measure(
  field: Field<{ aws: MotoWorld }>,
  asked: NetworksAsked,
  url: string,
  say: (line: string) => void,
): Promise<NetworksOnMoto> {
  const { ground, stage, worlds } = field;
  const startMs = ground.now();
  const publicKey = rsaPublicKey();
  const everyMs = (asked.withinSeconds * 1_000) / asked.fleets;
  const requestedAtMs = new Map<string, number>();
  await Promise.all(
    Array.from({ length: asked.fleets }, async (_, at) => {
      await ground.sleep(at * everyMs);
      const atMs = ground.now();
      const { id } = await stage.create(fleetOf(field, at, asked, publicKey));
      requestedAtMs.set(id, atMs);
      await stage.until(id, ({ status }) => status === 'Running');
    }),
  );
  say(`${asked.fleets} machines run after ${Math.round((ground.now() - startMs) / 1_000)} s`);
  await Promise.all(
    [...requestedAtMs.keys()].map(async (id, at) => {
      await ground.sleep(at * everyMs);
      await stage.remove(id);
      await stage.until(id, ({ status }) => status === 'Terminated');
    }),
  );
  const ec2 = () => worlds.aws.answered.filter(({ service, atMs }) => service === 'ec2' && atMs >= startMs);
  const calls = ec2().length;
  await ground.sleep(GRACE_MS + REMOVAL_MS);
  const all = ec2();
  const made = (action: string) =>
    all.filter((one) => one.action === action && !one.isDryRun && one.status < 300).length;
  return {
    fleets: asked.fleets,
    networkCalls: all.filter(({ action }) => NETWORK_ACTION.test(action)).length,
    networksMade: made('CreateVpc'),
    securityGroupsMade: made('CreateSecurityGroup'),
    keyPairsMade: made('ImportKeyPair') + made('CreateKeyPair'),
    callsPerMachine: rounded(calls / asked.fleets),
    p95SecondsToAccepted: rounded(p95(secondsToAccepted(all, requestedAtMs))),
    leaked: await ground.scheduler.outside(countLeft(url, [SITE.location])),
  };
}

function fleetOf({ user }: Field, at: number, { mode }: NetworksAsked, publicKey: string) {
  const order = user.order(`one-${at}`, 'cloud', SITE, 1);
  return fleetRequestSchema.parse({
    ...order,
    network: { mode },
    nodeGroups: order.nodeGroups.map((group) => ({
      ...group,
      ssh: { allowFrom: '203.0.113.0/24', publicKeys: [publicKey] },
    })),
  });
}

/** Returns the seconds from each request until EC2 accepted the machine. A machine's tags name its fleet. */
function secondsToAccepted(
  answered: readonly Answered[],
  requestedAtMs: ReadonlyMap<string, number>,
): number[] {
  return answered.flatMap(({ action, instanceId = '', status, atMs }) => {
    const fleetId = parseInstanceId(instanceId)?.fleetId;
    const isAccepted = action === 'RunInstances' && status < 300;
    const askedAtMs = isAccepted && fleetId !== undefined ? requestedAtMs.get(fleetId) : undefined;
    return askedAtMs === undefined ? [] : [(atMs - askedAtMs) / 1_000];
  });
}
