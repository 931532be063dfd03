import { InvalidArgumentError } from 'commander';
import { DRIVER_NAMES, type DriverName } from '../../functions/model/connection.ts';

export type OutsideDriver = Exclude<DriverName, 'sim'>;

/** A cloud that is not simulated: its driver and its URL. */
export interface OutsideCloud {
  driver: OutsideDriver;
  url: string;
}

export interface DemoClouds {
  /** True if the fleet also has instances at the simulated clouds. */
  simulated: boolean;
  outside: OutsideCloud[];
}

const EXAMPLE = 'for example sim,aws=http://127.0.0.1:5599';

/**
 * Parses the value of `--clouds`: `sim`, and `<driver>=<URL>` for each other cloud.
 *
 * @throws InvalidArgumentError if the value is wrong
 */
export function readClouds(text: string): DemoClouds {
  const clouds: DemoClouds = { simulated: false, outside: [] };
  const seen = new Set<string>();
  for (const part of text.split(',').map((one) => one.trim())) {
    const [name = '', ...rest] = part.split('=');
    if (seen.has(name)) throw new InvalidArgumentError(`${name} is given twice.`);
    seen.add(name);
    if (name === 'sim') {
      if (rest.length > 0) throw new InvalidArgumentError('sim takes no URL: give sim alone.');
      clouds.simulated = true;
    } else clouds.outside.push({ driver: driverOf(name), url: addressOf(name, rest.join('=')) });
  }
  return clouds;
}

function driverOf(name: string): OutsideDriver {
  const driver = DRIVER_NAMES.find((known) => known === name);
  if (driver === undefined || driver === 'sim') {
    throw new InvalidArgumentError(
      `${JSON.stringify(name)} is not a driver: give one of ${DRIVER_NAMES.join(', ')}, ${EXAMPLE}.`,
    );
  }
  return driver;
}

/**
 * Hosts of AWS itself. The demo refuses these hosts: machines at AWS cost money, and AWS has an address for
 * each region.
 */
const AT_AWS = /(^|\.)amazonaws\.com(\.cn)?$/;

function addressOf(name: string, text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError(`${name} needs the http or https URL of its server, ${EXAMPLE}.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(
      `the URL of ${name} must not contain a credential: set the variables that --help names.`,
    );
  }
  if (AT_AWS.test(url.hostname)) {
    throw new InvalidArgumentError(
      'the demo does not use AWS itself, because machines there cost money: to test an AWS account under a spending cap, run `LIVE=aws npm run test:live`.',
    );
  }
  return text;
}
