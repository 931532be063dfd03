import * as z from 'zod';
import { type DriverName, driverNameSchema } from './driver-names.ts';

/** Names that users choose: for fleets, node groups, connections and namespaces. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9-]{3,40}$/, 'must be 3 to 40 characters of a-z, 0-9 and -');

/** A note that users write for themselves. */
export const descriptionSchema = z.string().max(1_000);

/** Names of locations, zones, instance types and images, as the cloud spells them. */
export const cloudWordSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/,
    'must be 1 to 128 characters of letters, digits and . _ : / -',
  );

export const MAX_DEPLOYMENT_ID = 36;
/** A deployment's id. It is the value of a tag on everything that the deployment creates at a cloud. */
export const deploymentIdSchema = z
  .string()
  .regex(
    new RegExp(`^[a-z0-9-]{3,${MAX_DEPLOYMENT_ID}}$`),
    `must be 3 to ${MAX_DEPLOYMENT_ID} characters of a-z, 0-9 and -`,
  );

export const fleetIdSchema = z.string().regex(/^f[0-9a-z]{16}$/);
export const connectionIdSchema = z.string().regex(/^c[0-9a-z]{16}$/);
const INSTANCE_ID = /^f[0-9a-z]{16}-[0-9]{5}$/;
export const instanceIdSchema = z.string().regex(INSTANCE_ID);

export interface InstanceRef {
  fleetId: string;
  /** The instance's position in the fleet, from 0. `layOut` decides which node group and location each position has. */
  index: number;
}

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Makes a fleet's id: `f`, nine characters of the time in milliseconds and seven random characters (35 bits), in
 * Crockford's base 32, lower case. Ids sort by time of creation.
 *
 * @param random returns a random number in [0, 1)
 */
export function makeFleetId(nowMs: number, random: () => number): string {
  return `f${makeId(nowMs, random)}`;
}

/**
 * Makes a connection's id, in the same way as a fleet's id. A connection that is deleted and created again under the
 * same name gets another id.
 */
export function makeConnectionId(nowMs: number, random: () => number): string {
  return `c${makeId(nowMs, random)}`;
}

/**
 * Returns an id without its first letter: nine characters of the time and seven random characters; see `makeFleetId`.
 */
export function makeId(nowMs: number, random: () => number): string {
  let time = '';
  for (let rest = nowMs, digit = 0; digit < 9; digit += 1) {
    time = DIGITS.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  const tail = Array.from({ length: 7 }, () => DIGITS.charAt(Math.floor(random() * 32))).join('');
  return `${time}${tail}`;
}

/** Reads the fleet's time of creation from its id. */
export function fleetCreatedAtMs(fleetId: string): number {
  return [...fleetId.slice(1, 10)].reduce((time, digit) => time * 32 + DIGITS.indexOf(digit), 0);
}

/**
 * Makes an instance's id: `<fleet id>-<index in five digits>`. It contains the fleet's id, so an instance can be found
 * by its id without a search.
 */
export function instanceId({ fleetId, index }: InstanceRef): string {
  return `${fleetId}-${String(index).padStart(5, '0')}`;
}

/** Inverts `instanceId`. Returns undefined if the text is not an instance id. */
export function parseInstanceId(id: string): InstanceRef | undefined {
  if (!INSTANCE_ID.test(id)) return undefined;
  return { fleetId: id.slice(0, 17), index: Number(id.slice(18)) };
}

/** Makes the idempotency key of one attempt to create one instance. The first attempt has number 1. */
export function launchToken(id: string, attempt: number): string {
  return `${id}.${attempt}`;
}

/** Inverts `launchToken`. Returns undefined if the text is not a launch token. */
export function parseLaunchToken(token: string): (InstanceRef & { attempt: number }) | undefined {
  const [, id = '', attempt] = /^(.+)\.([1-9][0-9]{0,8})$/.exec(token) ?? [];
  const ref = parseInstanceId(id);
  return ref && { ...ref, attempt: Number(attempt) };
}

/** What names a connection. A namespace has no two connections of one name, also not with different drivers. */
export interface ConnectionRef {
  driver: DriverName;
  namespace: string;
  name: string;
}

/**
 * Returns a connection's key in tables and messages. It is unambiguous, because names have no `/`. It begins with the
 * driver, so that a driver's function gets rights to the items of its own connections alone
 * (`platform/store/partitions.ts`).
 */
export function connectionKey({ driver, namespace, name }: ConnectionRef): string {
  return `${driver}/${namespace}/${name}`;
}

/**
 * Returns the word by which the records of a namespace's fleets name a connection: the name of an own one, and
 * `<namespace>/<name>` for one that another namespace shares. Names have no `/`, so that the two never agree.
 */
export function connectionWord(
  namespace: string,
  connection: Pick<ConnectionRef, 'namespace' | 'name'>,
): string {
  const { namespace: owner, name } = connection;
  return owner === namespace ? name : `${owner}/${name}`;
}

export function parseConnectionKey(key: string): ConnectionRef {
  const [driver, namespace, name] = key.split('/');
  if (!namespace || !name) throw new TypeError(`not a connection key: ${key}`);
  return { driver: driverNameSchema.parse(driver), namespace, name };
}
