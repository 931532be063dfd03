import { describe, expect, it } from 'vitest';
import { CliError } from '../../../cli/shell/exit.ts';
import { chooseGroup, type OfferedAt } from '../../../demo/outside/choose-group.ts';
import { makeFleet, OUTSIDE_SIZES } from '../../../demo/outside/make-fleet.ts';
import type { OutsideRow } from '../../../demo/outside/measure.ts';
import { readClouds } from '../../../demo/outside/read-clouds.ts';
import { readCredential } from '../../../demo/outside/read-credential.ts';
import { withOutside } from '../../../demo/outside/report.ts';
import { readFleetFiles } from '../../../demo/run/fleet-files.ts';
import { fleetRequestSchema } from '../../../functions/model/fleet-request.ts';

const MOTO = { driver: 'aws', url: 'http://127.0.0.1:5599' } as const;
const ELSEWHERE = { driver: 'aws', url: 'https://ec2.example.org' } as const;

describe('readClouds', () => {
  it('in `--clouds`, `sim` stands for the simulated clouds, and each other cloud is given by its driver and URL', () => {
    expect(
      readClouds('sim,aws=http://127.0.0.1:5599, openstack=https://keystone.example.org:5000/v3?a=b'),
    ).toEqual({
      simulated: true,
      outside: [MOTO, { driver: 'openstack', url: 'https://keystone.example.org:5000/v3?a=b' }],
    });
    expect(readClouds('cb-spider=http://127.0.0.1:1024').simulated).toBe(false);
  });

  it.each([
    ['gcp=http://127.0.0.1:1', '"gcp" is not a driver'],
    ['', '"" is not a driver'],
    ['aws', 'needs the http or https URL'],
    ['aws=127.0.0.1:5599', 'needs the http or https URL'],
    ['aws=ftp://127.0.0.1', 'needs the http or https URL'],
    ['aws=http://key:secret@127.0.0.1', 'must not contain a credential'],
    ['aws=https://ec2.us-east-1.amazonaws.com', 'npm run test:live'],
    ['sim=http://127.0.0.1:1', 'takes no URL'],
    ['sim,sim', 'is given twice'],
    ['aws=http://127.0.0.1:1,aws=http://127.0.0.1:2', 'is given twice'],
  ])('`--clouds` %j is refused with a message that contains %j', (text, words) => {
    expect(() => readClouds(text)).toThrow(words);
  });
});

describe('readCredential', () => {
  it("a credential is read from the variables of the cloud's own tools", () => {
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIA1',
      AWS_SECRET_ACCESS_KEY: 's',
      AWS_SESSION_TOKEN: 't',
      OS_USERNAME: 'u',
    };
    expect(readCredential(ELSEWHERE, env)).toEqual({
      cloud: 'aws',
      credential: { accessKeyId: 'AKIA1', secretAccessKey: 's', sessionToken: 't' },
    });
    const password = { OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_PROJECT_NAME: 'x', OS_USER_DOMAIN_NAME: '' };
    expect(
      readCredential({ driver: 'openstack', url: 'http://127.0.0.1:5000' }, password).credential,
    ).toEqual({
      username: 'u',
      password: 'p',
      projectName: 'x',
    });
  });

  it('readCredential invents a credential only for an EC2 endpoint on this machine', () => {
    expect(readCredential(MOTO, {}).credential).toHaveProperty('accessKeyId');
    expect(() => readCredential(ELSEWHERE, {})).toThrow(CliError);
    expect(() => readCredential({ driver: 'openstack', url: MOTO.url }, {})).toThrow(CliError);
  });

  it('a missing variable of a credential is named in the error', () => {
    try {
      readCredential({ driver: 'cb-spider', url: 'http://127.0.0.1:1024' }, { SPIDER_USERNAME: 'admin' });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        exitCode: 2,
        details: ['the environment variable SPIDER_PASSWORD is not set'],
      });
    }
  });
});

const type = (name: string, vcpus: number, architecture: 'x86_64' | 'arm64' = 'x86_64') => ({
  name,
  vcpus,
  memoryGb: vcpus * 2,
  architecture,
});
const at = (
  location: string,
  types: string[],
  images: string[],
  architecture: 'x86_64' | 'arm64' = 'x86_64',
) =>
  ({
    location,
    types: new Set(types),
    images: images.map((name) => ({
      name,
      location,
      backendId: name,
      description: '',
      architectures: [architecture],
      available: true,
    })),
  }) satisfies OfferedAt;

describe('chooseGroup', () => {
  it('chooseGroup chooses the type with the largest number of locations; of several such types, it chooses a preferred type, or else the smallest', () => {
    const types = [type('large', 8), type('t3.micro', 2), type('small', 1)];
    const everywhere = ['large', 't3.micro', 'small'];
    const images = ['a-strange-one', 'debian-12'];
    expect(
      chooseGroup('demo-aws', 30, types, [at('r1', everywhere, images), at('r2', everywhere, images)]),
    ).toEqual({
      name: 'demo-aws',
      size: 30,
      connection: 'demo-aws',
      locations: ['r1', 'r2'],
      instanceType: 't3.micro',
      image: 'debian-12',
    });
    const onlyLarge = [at('r1', everywhere, images), at('r2', ['large'], images)];
    expect(chooseGroup('demo-aws', 30, types, onlyLarge)).toMatchObject({ instanceType: 'large' });
    expect(chooseGroup('demo-x', 1, [type('large', 8), type('small', 1)], onlyLarge)).toMatchObject({
      instanceType: 'large',
      locations: ['r1'],
    });
  });

  it('the chosen type and image have the same architecture, and chooseGroup returns no group without such a pair', () => {
    const types = [type('arm', 1, 'arm64'), type('intel', 2)];
    expect(chooseGroup('demo-aws', 3, types, [at('r1', ['arm', 'intel'], ['debian-12'])])?.instanceType).toBe(
      'intel',
    );
    expect(chooseGroup('demo-aws', 3, types, [at('r1', ['arm'], ['debian-12'])])).toBeUndefined();
    expect(chooseGroup('demo-aws', 3, types, [])).toBeUndefined();
  });

  it('the chosen group and the simulated groups make one fleet that the API accepts', () => {
    const group = chooseGroup(
      'demo-aws',
      OUTSIDE_SIZES.aws,
      [type('t3.micro', 2)],
      [at('r1', ['t3.micro'], ['al2023'])],
    );
    const fleet = makeFleet(readFleetFiles(), group ? [group] : []);
    expect(fleetRequestSchema.safeParse(fleet).error).toBeUndefined();
    expect(fleet.nodeGroups.reduce((sum, { size }) => sum + size, 0)).toBe(1_110 + OUTSIDE_SIZES.aws);
  });
});

describe('the report of the demo', () => {
  const line = {
    fleets: 1,
    clouds: 9,
    locations: 57,
    requested: 150,
    running: 150,
    failed: 0,
    leaked: 0,
    duplicated: 0,
    throttled: 3,
    calls: 500,
    makespanSeconds: 20,
    idealSeconds: 10,
    ratio: 2,
    remainingAfterDelete: 0,
  };
  const row: OutsideRow = {
    cloud: 'aws',
    driver: 'aws',
    connection: 'demo-aws',
    locations: 4,
    requested: 30,
    running: 30,
    failed: 0,
    p50Seconds: 10.001,
    p95Seconds: 25,
    throttled: null,
    leaked: 0,
    duplicated: 0,
    makespanSeconds: 26.5,
    remainingAfterDelete: 0,
  };

  it('a report with outside clouds (clouds that are not simulated) has all keys of a report without outside clouds, and a row for each outside cloud', () => {
    const report = withOutside({ line, asAsked: true }, [row]);
    expect(report).toMatchObject({
      asAsked: true,
      line: { ...line, makespanSeconds: 26.5, outside: [{ connection: 'demo-aws', p50Seconds: 10 }] },
    });
  });

  it.each([
    ['leaked', { leaked: 1 }, { leaked: 1 }],
    ['left after the deletion', { remainingAfterDelete: 2 }, { remainingAfterDelete: 2 }],
  ] as const)(
    '`asAsked` is false in the report if a machine is %s at an outside cloud',
    (_, over, changed) => {
      const report = withOutside({ line, asAsked: true }, [{ ...row, ...over }]);
      expect(report).toMatchObject({ asAsked: false, line: changed });
    },
  );
});
