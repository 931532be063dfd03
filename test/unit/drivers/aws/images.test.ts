import { afterEach, describe, expect, it } from 'vitest';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

const UBUNTU = '/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id';
const AL2023 = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64';

const json = (status: number, body: object): Canned => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
});
const parameters = (values: Record<string, string>) =>
  json(200, { Parameters: Object.entries(values).map(([Name, Value]) => ({ Name, Value, Type: 'String' })) });
const image = (id: string, name: string, architecture: string, created: string) =>
  `<item><imageId>${id}</imageId><name>${name}</name><architecture>${architecture}</architecture><creationDate>${created}</creationDate></item>`;
const images = (...items: string[]) => page('DescribeImages', `<imagesSet>${items.join('')}</imagesSet>`);

let ec2: CannedEc2;
afterEach(async () => await ec2.close());

/**
 * Lists the images of a region. The server answers a read of parameters with `ssm`, a search by image id with
 * `byId`, and any other search with `byName`.
 */
async function listed(ssm: Canned, byId: Canned, byName: Canned) {
  ec2 = await cannedEc2((call) => {
    if (call.get('Action') === 'GetParameters') return ssm;
    return call.get('Filter.1.Name') === 'image-id' ? byId : byName;
  });
  const found = await connect(ec2.url).listImages('eu-west-1');
  return found.map(({ name, backendId, architectures }) => [name, backendId, ...architectures]);
}
const asked = () => ec2.calls.map((call) => call.get('Filter.1.Name') ?? call.get('Action'));

const NEWER = image('ami-2', 'debian-12-amd64-20260201-1', 'x86_64', '2026-02-01T00:00:00.000Z');
const OLDER = image('ami-1', 'debian-12-amd64-20260101-1', 'x86_64', '2026-01-01T00:00:00.000Z');
const DAILY = image('ami-9', 'debian-12-amd64-daily-20260301', 'x86_64', '2026-03-01T00:00:00.000Z');

describe('listImages', () => {
  it("`listImages` lists the public images whose ids are in the publishers' SSM parameters", async () => {
    const byId = images(
      image('ami-u', 'any name', 'x86_64', '2026-01-01T00:00:00.000Z'),
      image('ami-a', 'al2023', 'arm64', '2026-01-01T00:00:00.000Z'),
    );
    expect(
      await listed(parameters({ [UBUNTU]: 'ami-u', [AL2023]: 'ami-a' }), byId, images(OLDER, NEWER, DAILY)),
    ).toEqual([
      ['ubuntu-24.04', 'ami-u', 'x86_64'],
      ['debian-12', 'ami-2', 'x86_64'],
      ['al2023-arm64', 'ami-a', 'arm64'],
    ]);
    expect(asked()).toEqual(['GetParameters', 'image-id', 'name']);
    const byName = ec2.calls.at(-1)?.toString() ?? '';
    expect(byName).toContain('ubuntu-jammy');
    expect(byName).not.toContain('ubuntu-noble-24.04-amd64');
  });

  it('public images are found by name if the credential may not read SSM parameters', async () => {
    const noRight = json(400, { __type: 'AccessDeniedException', message: 'not authorized' });
    expect(await listed(noRight, images(), images(NEWER, OLDER))).toEqual([['debian-12', 'ami-2', 'x86_64']]);
    expect(asked()).toEqual(['GetParameters', 'name']);
  });

  it('an image is found by name if its SSM parameter has the id of a missing image or of an image for another architecture', async () => {
    const wrong = images(image('ami-a', 'al2023', 'x86_64', '2026-01-01T00:00:00.000Z'));
    const published = parameters({ [UBUNTU]: 'ami-gone', [AL2023]: 'ami-a' });
    expect(await listed(published, wrong, images(NEWER))).toEqual([['debian-12', 'ami-2', 'x86_64']]);
    expect(ec2.calls.at(-1)?.toString()).toContain('ubuntu-noble-24.04-amd64');
  });

  it('if the read of SSM parameters is throttled, `listImages` fails as Throttled and does not search by name', async () => {
    const throttled = json(400, { __type: 'ThrottlingException', message: 'Rate exceeded' });
    await expect(listed(throttled, images(), images(NEWER))).rejects.toMatchObject({
      code: 'Throttled',
      call: 'ssm:GetParameters',
    });
  });

  it('if the regions cannot be read, `listImages` fails and makes no call for images', async () => {
    ec2 = await cannedEc2(() => refusal(400, 'InvalidParameterValue'));
    await expect(connect(ec2.url).listImages('mars-west-1')).rejects.toThrow('ec2:DescribeRegions');
    expect(ec2.calls.map((call) => call.get('Action'))).toEqual(['DescribeRegions']);
  });
});
