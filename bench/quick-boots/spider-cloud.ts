import { randomBytes } from 'node:crypto';
import { cbSpiderMetadata } from '../../functions/drivers/cb-spider/metadata.ts';
import { parseMachineName } from '../../functions/drivers/contract/names.ts';
import { REGION_ZONES } from '../../test/contract/servers/spider-double/catalogue.ts';
import type { Pace } from '../../test/contract/servers/spider-double/machines.ts';
import { startSpiderDouble } from '../../test/contract/servers/spider-double/server.ts';
import type { Account } from '../../test/contract/servers/spider-double/world.ts';
import { MOST_LOCATIONS } from './cases.ts';
import {
  type CloudOptions,
  LOCATION_SLOTS,
  newConnectionName,
  type QuickCloud,
  SLOTS,
} from './quick-cloud.ts';

const CLOUD = 'mock';
const ACCOUNT = 'quick-boots';
/** First part of a machine's boot, in ms. The cloud shows the machine only afterwards. */
const PREPARE_MS = 100;
const TERMINATE_MS = 100;

/**
 * Opens the test double of CB-Spider with its mock cloud, whose machines boot quickly. The double has no
 * limits. The ideal schedule uses the limits of the connection.
 */
export async function openSpiderCloud({
  bootSeconds,
  createsPerSecond,
  seenByFunctions,
}: CloudOptions): Promise<QuickCloud> {
  const bootMs = bootSeconds * 1_000;
  const prepareMs = Math.min(PREPARE_MS, bootMs);
  const pace: Pace = { prepareMs, startMs: bootMs - prepareMs, terminateMs: TERMINATE_MS };
  const account = { username: 'bench', password: randomBytes(16).toString('hex') };
  const double = await startSpiderDouble({ ...account, pace });
  const rate = { perSecond: createsPerSecond, burst: Math.max(1, createsPerSecond) };
  const name = newConnectionName();
  return {
    connection: {
      name,
      driver: 'cb-spider',
      cloud: CLOUD,
      credential: { ...account, MockName: ACCOUNT },
      endpoint: seenByFunctions(double.url),
      limits: {
        concurrentLocations: LOCATION_SLOTS,
        concurrentInstancesPerLocation: SLOTS,
        calls: { create: rate, list: rate, mutate: rate },
      },
    },
    offered: {
      connection: name,
      locations: REGION_ZONES.flatMap((zone) => zone?.Name ?? []).slice(0, MOST_LOCATIONS),
      instanceType: 'mock-vmspec-01',
      image: 'mock-vmimage-01',
    },
    limits: {
      [CLOUD]: {
        locationSlots: LOCATION_SLOTS,
        instanceSlotsPerLocation: SLOTS,
        createsPerSecond: rate.perSecond,
        createBurst: rate.burst,
      },
    },
    books: (deploymentId) => booksOf(double.accounts(), pace, deploymentId),
    countLeft: () => double.accounts().reduce((sum, one) => sum + countAt(one), 0),
    close: () => double.close(),
  };
}

/** Returns the double's machines in the form of `GET /_sim/books` of the simulated clouds. */
export function booksOf(
  accounts: readonly Account[],
  { prepareMs, startMs }: Pick<Pace, 'prepareMs' | 'startMs'>,
  deploymentId: string,
) {
  const machines = accounts.flatMap((account) => account.machines);
  const byLocation = Map.groupBy(machines, ({ region }) => region);
  return {
    clouds: [...byLocation].map(([location, those]) => ({
      cloud: CLOUD,
      connection: ACCOUNT,
      location,
      instances: those.map(({ request, startedAt, runningAtMs }) => ({
        tags: tagsOf(deploymentId, request.Name),
        acceptedAt: startedAt,
        submitMs: prepareMs,
        bootMs: startMs,
        ...(runningAtMs === undefined ? {} : { runningAt: new Date(runningAtMs).toISOString() }),
      })),
    })),
  };
}

/**
 * Returns the tags that a machine with this name would have at a simulated cloud. CB-Spider has no tags, but
 * names.
 */
function tagsOf(deploymentId: string, name: string): Record<string, string> {
  const named = parseMachineName(deploymentId, name, cbSpiderMetadata.maxNameLength);
  if (!named) return {};
  return { 'fleetwright:deployment': deploymentId, 'fleetwright:instance': named.instanceId };
}

function countAt({ machines, resources }: Account): number {
  return machines.length + Object.values(resources).reduce((sum, { length }) => sum + length, 0);
}
