import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { DriverErrorCode } from '../contract/errors.ts';
import type { Ec2Options } from './ec2.ts';
import { driverErrorOf } from './errors.ts';
import { clientSettings, inTime } from './settings.ts';

/** The most that SSM takes in one call. */
const MAX_NAMES = 10;
/** The right to it is missing, or whoever plays AWS at the connection's endpoint has no SSM. */
const TELLS_NOTHING: readonly DriverErrorCode[] = [
  'Unauthorized',
  'InvalidRequest',
  'NotFound',
  'Unsupported',
];

/** Parameters of SSM that are the same for everybody: there, publishers say which of their images is the newest. */
export class PublicParameters {
  readonly #options: Ec2Options;
  readonly #clients = new Map<string, SSMClient>();

  constructor(options: Ec2Options) {
    this.#options = options;
  }

  /** @returns values by name, of those that the region has; none where SSM may not be asked */
  async read(location: string, names: readonly string[]): Promise<Map<string, string>> {
    const values = new Map<string, string>();
    for (let at = 0; at < names.length; at += MAX_NAMES) {
      const known = await this.#read(location, names.slice(at, at + MAX_NAMES));
      if (!known) break;
      for (const { Name, Value } of known) if (Name && Value) values.set(Name, Value);
    }
    return values;
  }

  async #read(location: string, Names: string[]) {
    try {
      const call = new GetParametersCommand({ Names });
      const { Parameters } = await inTime(this.#options.clock, (options) =>
        this.#client(location).send(call, options),
      );
      return Parameters ?? [];
    } catch (error) {
      const known = driverErrorOf(error, 'ssm:GetParameters', 'reads');
      if (TELLS_NOTHING.includes(known.code)) return undefined;
      throw known;
    }
  }

  #client(location: string): SSMClient {
    const known = this.#clients.get(location);
    if (known) return known;
    const { endpoint, keys, requestHandler } = this.#options;
    const settings = clientSettings('ssm', location, endpoint, requestHandler);
    const client = new SSMClient({ ...settings, credentials: keys });
    this.#clients.set(location, client);
    return client;
  }
}
