import { expect, it } from 'vitest';
import { cli } from './world.ts';

const CREATE = 'POST /v1/namespaces/default/instances';
const ID = 'f01k5r3x9aq2b7c4d';
const MADE = {
  id: `${ID}-00000`,
  fleetId: ID,
  nodeGroup: 'box',
  cloud: 'aws',
  connection: 'main',
  location: 'us-east-1',
  status: 'Planned',
  target: 'Running',
  labels: {},
  instanceType: 'm7i.large',
  market: 'on-demand',
  image: 'ubuntu-24.04',
  attempts: 0,
};
const PLACE = ['--connection', 'main', '--location', 'us-east-1'];
const MACHINE = ['--instance-type', 'm7i.large', '--image', 'ubuntu-24.04'];
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';

async function create(args: string[], files: Record<string, string> = {}) {
  const result = await cli(['instance', 'create', ...args], {
    files,
    answers: { [CREATE]: { status: 201, body: MADE } },
  });
  return { ...result, body: result.asked[0]?.body };
}

it('flags give disks, keys, network, tags and addresses of a single instance', async () => {
  const { exitCode, body, stderr } = await create(
    [
      ...['box', ...PLACE, ...MACHINE, '--root-disk', 'size=30,type=gp3,iops=4000,throughput=200'],
      ...['--data-disk', 'size=500,encrypted,key=alias/fleets,keep', '--data-disk', 'size=10'],
      ...['--ssh-key', 'one.pub', '--ssh-key', 'two.pub', '--network-mode', 'dedicated', '--public'],
      ...['--zones', 'us-east-1a', '--zones', 'us-east-1b', '--tag', 'team=search', '--label', 'tier=web'],
      ...['--identity', 'web', '--user-data-file', 'setup.sh', '--user-data-encoding', 'gzip'],
    ],
    { 'one.pub': `${KEY} one\n`, 'two.pub': `${KEY} two\n`, 'setup.sh': '#!/bin/sh\n' },
  );
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(body).toEqual({
    ...{ name: 'box', connection: 'main', location: 'us-east-1' },
    ...{ instanceType: 'm7i.large', image: 'ubuntu-24.04', zones: ['us-east-1a', 'us-east-1b'] },
    rootDisk: { sizeGb: 30, type: 'gp3', iops: 4_000, throughputMbps: 200 },
    dataDisks: [
      { sizeGb: 500, encrypted: true, encryptionKeyId: 'alias/fleets', deleteOnTermination: false },
      { sizeGb: 10, deleteOnTermination: true },
    ],
    ssh: { publicKeys: [`${KEY} one`, `${KEY} two`] },
    ...{ network: { mode: 'dedicated' }, publicIp: true, identity: 'web' },
    ...{ tags: { team: 'search' }, labels: { tier: 'web' } },
    userData: { text: '#!/bin/sh\n', encoding: 'gzip' },
  });
});

it('a file gives the fields, and flags replace or complete them', async () => {
  const file = `
name: box
connection: main
location: us-east-1
instanceType: m7i.large
image: ubuntu-24.04
tags: {team: search, stage: dev}
ssh: {allowFrom: 203.0.113.0/24}
userData: {file: setup.sh}
`;
  const { exitCode, body } = await create(
    ['other', '-f', 'folder/box.yaml', '--image', 'al2023', '--tag', 'stage=test', '--ssh-key', 'key.pub'],
    { 'folder/box.yaml': file, 'folder/setup.sh': 'echo', 'key.pub': KEY },
  );
  expect(exitCode).toBe(0);
  expect(body).toMatchObject({
    ...{ name: 'other', image: 'al2023', tags: { team: 'search', stage: 'test' }, userData: 'echo' },
    ssh: { allowFrom: '203.0.113.0/24', publicKeys: [KEY] },
  });
});

it('an error of the file is told with line and column, and nothing is requested', async () => {
  const file =
    'name: box\nconnection: main\nlocation: us-east-1\nimage: ubuntu-24.04\nrootDisk: {sizeGb: 0}\n';
  const { exitCode, stderr, asked } = await create(['-f', 'box.yaml', '--instance-type', 'm7i.large'], {
    'box.yaml': file,
  });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/box\.yaml:5:\d+ {2}\/rootDisk\/sizeGb/);
  expect(asked).toEqual([]);
});

it.each([
  [['box', ...PLACE, ...MACHINE, '--data-disk', 'type=gp3'], /--data-disk: sizeGb is missing/],
  [['box', ...PLACE, ...MACHINE, '--root-disk', 'size=big'], /--root-disk: .*"size=big" is wrong/],
  [['box', ...PLACE, ...MACHINE, '--root-disk', 'size=9,keep'], /--root-disk: /],
  [['box', ...PLACE, ...MACHINE, '--public', '--private'], /exclude each other/],
  [['box', ...PLACE, '--image', 'ubuntu-24.04'], /\/instanceType/],
  [[...PLACE, ...MACHINE], /\/name: is missing/],
])('wrong flags %j are refused with their name', async (args, text) => {
  const { exitCode, stderr, asked } = await create(args);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(text);
  expect(asked).toEqual([]);
});

it('a count asks for that many alike instances by one request, and all of them are shown', async () => {
  const items = [1, 2].map((number) => ({
    ...MADE,
    id: `${ID}-0000${number - 1}`,
    name: `box-${number}`,
    href: `/v1/namespaces/default/instances/${ID}-0000${number - 1}`,
  }));
  const result = await cli(
    ['instance', 'create', 'box', ...PLACE, ...MACHINE, '--count', '2', '--description', 'two', '--json'],
    { answers: { [CREATE]: { status: 201, body: { fleetId: ID, name: 'box', items, warnings: [] } } } },
  );
  expect(result.exitCode).toBe(0);
  expect(result.asked[0]?.body).toEqual({
    name: 'box',
    description: 'two',
    instances: [
      {
        ...{ name: 'box', count: 2, connection: 'main', location: 'us-east-1' },
        ...{ instanceType: 'm7i.large', image: 'ubuntu-24.04' },
      },
    ],
  });
  expect(JSON.parse(result.stdout)).toMatchObject({
    fleetId: ID,
    items: [{ name: 'box-1' }, { name: 'box-2' }],
  });
});

it('a count below 1 or above 100 is wrong use', async () => {
  for (const count of ['0', '101', 'many']) {
    const { exitCode, asked } = await cli(
      ['instance', 'create', 'box', ...PLACE, ...MACHINE, '--count', count],
      {},
    );
    expect([exitCode, asked]).toEqual([2, []]);
  }
});

const LIST_YAML = `name: runners
instances:
  - {count: 2, connection: main, location: us-east-1, instanceType: m7i.large, image: ubuntu-24.04}
  - name: database
    connection: main
    location: us-east-1
    instanceType: m7i.large
    image: ubuntu-24.04
    userData: {file: db.sh}
`;
const LISTED = { [CREATE]: { status: 201, body: { fleetId: ID, name: 'runners', items: [], warnings: [] } } };

it('a file with a list asks for all its instances by one request, with the user data of its files', async () => {
  const { exitCode, asked, stderr } = await cli(
    ['instance', 'create', 'others', '-f', 'list.yaml', '--network-mode', 'dedicated'],
    { files: { 'list.yaml': LIST_YAML, 'db.sh': '#!/bin/sh\n' }, answers: LISTED },
  );
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(asked[0]?.body).toMatchObject({
    name: 'others',
    network: { mode: 'dedicated' },
    instances: [{ count: 2 }, { name: 'database', userData: '#!/bin/sh\n' }],
  });
});

it('flags with fields of one instance are refused beside a file with a list', async () => {
  for (const flags of [
    ['--image', 'debian-12'],
    ['--count', '3'],
    ['--tag', 'a=b'],
  ]) {
    const { exitCode, stderr, asked } = await create(['-f', 'list.yaml', ...flags], {
      'list.yaml': LIST_YAML,
      'db.sh': '',
    });
    expect([exitCode, asked]).toEqual([2, []]);
    expect(stderr).toContain('fields of one instance');
  }
});

it('a wrong field of a list has its line', async () => {
  const file = LIST_YAML.replace('count: 2', 'cuont: 2');
  const { exitCode, stderr } = await create(['-f', 'list.yaml'], { 'list.yaml': file, 'db.sh': '' });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('list.yaml:3:6  /instances/0/cuont: is not a known field; did you mean count?');
});

it('if no answer comes, the error names the key with which the command can be run again', async () => {
  const result = await cli(['instance', 'create', 'box', ...PLACE, ...MACHINE, '--json'], {
    answers: { [CREATE]: new TypeError('fetch failed') },
  });
  expect(result.exitCode).toBe(3);
  const { idempotencyKey, next } = JSON.parse(result.stdout).error;
  expect(next).toContain(`--idempotency-key ${idempotencyKey}`);
  expect(result.asked.map(({ headers }) => headers.get('idempotency-key'))).toContain(idempotencyKey);
});
