import type { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { DRIVER_ERROR_CODES } from '../../../functions/drivers/contract/errors.ts';
import type { ErrorRow } from './harness.ts';
import type { Lab } from './lab.ts';

/**
 * Makes the fault proxy give the answer of one error-table row, makes the row's call through the driver, and
 * returns the error that the driver throws.
 */
export async function provoke(lab: Lab, { name, call, answer }: ErrorRow): Promise<DriverError> {
  const { client, proxy, cloud } = lab;
  const { calls, location } = cloud;
  const spec = await lab.spec();
  proxy.faults.clear();
  proxy.faults.arm({ call, kind: 'answer', answer });
  const work: Readonly<Record<string, () => Promise<unknown>>> = {
    [calls.verify]: () => client.verifyCredential(),
    [calls.list]: () => client.listInstances(location),
    [calls.terminate]: () => client.terminateInstance(location, cloud.unknownBackendId),
    [calls.get]: () => client.getInstance(location, cloud.unknownBackendId),
    [calls.ensureNetwork]: () =>
      client.ensureNetwork({ location, name: lab.name(), cidr: '10.40.0.0/16', tags: {} }),
    [calls.create]: () => client.createInstance(spec),
  };
  const ask = work[call];
  if (!ask) throw new RangeError(`row ${name}: ${call} is not one of the harness's calls`);
  try {
    return await lab.fails(ask(), ...DRIVER_ERROR_CODES);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}: ${why}`, { cause: error });
  } finally {
    proxy.faults.clear();
  }
}
