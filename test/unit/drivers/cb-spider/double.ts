import { afterAll, beforeAll, beforeEach } from 'vitest';
import { CbSpiderClient, type Timeouts } from '../../../../functions/drivers/cb-spider/client.ts';
import { SpiderTransport } from '../../../../functions/drivers/cb-spider/transport.ts';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { openGate } from '../../../calls/gates.ts';
import type { Pace } from '../../../contract/servers/spider-double/machines.ts';
import { type SpiderDouble, startSpiderDouble } from '../../../contract/servers/spider-double/server.ts';
import { localSend } from '../../../samples/drivers.ts';

const ACCOUNT = { username: 'spider', password: 'password-of-spider' };
const FLEET = 'f0123456789abcdef';
export const LOCATION = 'mercury';

/**
 * Starts a test double of CB-Spider (a server with its API) before the tests of a file, and resets the double
 * before each test. Returns functions for the tests. `client` makes a client of the double with the given
 * time limits.
 */
export function useDouble(pace: Pace, timeouts: Timeouts) {
  let double: SpiderDouble | undefined;
  beforeAll(async () => {
    double = await startSpiderDouble({ ...ACCOUNT, pace });
  });
  beforeEach(() => double?.reset());
  afterAll(async () => await double?.close());
  const url = () => double?.url ?? '';
  return {
    url,
    client: ({
      connectionKey = 'default/spider',
      mockName = 'unit',
      isTrial = false,
      calls = openGate,
    } = {}) =>
      new CbSpiderClient(
        {
          transport: new SpiderTransport(url(), ACCOUNT.username, ACCOUNT.password, calls, localSend),
          cloud: 'mock',
          deploymentId: 'unit',
          connectionKey,
          keyValues: [{ Key: 'MockName', Value: mockName }],
          password: ACCOUNT.password,
          isTrial,
        },
        timeouts,
      ),
    forgetMachine: (connectionName: string, name: string) => double?.forgetMachine(connectionName, name),
  };
}

const sshRule = {
  protocol: 'tcp',
  ports: { first: 22, last: 22 },
  source: { cidr: '203.0.113.0/24' },
} as const;

export async function specOn(client: CbSpiderClient, index = 0): Promise<InstanceSpec> {
  const base = { location: LOCATION, tags: {} };
  const name = (kind: string) => `${FLEET.slice(1)}${kind}000001`;
  const network = await client.ensureNetwork({ ...base, name: name('n'), cidr: '10.0.0.0/16' });
  const group = await client.ensureSecurityGroup({
    ...base,
    name: name('s'),
    networkBackendId: network.backendId,
    rules: [sshRule],
  });
  const key = await client.ensureKeyPair({ ...base, name: name('k'), publicKey: 'ssh-rsa AAAA unit' });
  const instanceId = `${FLEET}-${String(index).padStart(5, '0')}`;
  return {
    ...base,
    instanceId,
    launchToken: `${instanceId}.1`,
    instanceType: 'mock-vmspec-01',
    imageBackendId: 'mock-vmimage-01',
    networkBackendId: network.backendId,
    subnetBackendId: network.subnetBackendId,
    securityGroupBackendIds: [group.backendId],
    keyPairBackendId: key.backendId,
  };
}
