import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { KNOWN_QUOTAS } from '../../../../functions/drivers/aws/known-quotas.ts';
import { awsMetadata } from '../../../../functions/drivers/aws/metadata.ts';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import { quotaClassOf } from '../../../../functions/drivers/contract/quota-class.ts';
import { MAX_QUOTAS, type Quota } from '../../../../functions/model/quota.ts';
import { type Canned, type CannedEc2, cannedEc2, connect } from './canned-ec2.ts';

let aws: CannedEc2 | undefined;
afterEach(async () => {
  await aws?.close();
  aws = undefined;
});

const AT = 'eu-west-1';
const json = (body: unknown, status = 200): Canned => ({
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/x-amz-json-1.1' },
});
const refused = (status: number, code: string): Canned =>
  json({ __type: `com.amazonaws.servicequotas#${code}`, message: `${code} it is` }, status);

const askedSchema = z.object({ ServiceCode: z.string(), NextToken: z.string().optional() });
const queriesSchema = z.object({
  MetricDataQueries: z.array(
    z.object({
      Id: z.string(),
      MetricStat: z.object({
        Metric: z.object({
          Namespace: z.string(),
          MetricName: z.string(),
          Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })),
        }),
        Period: z.number(),
        Stat: z.string(),
      }),
    }),
  ),
  StartTime: z.number(),
  EndTime: z.number(),
});

/** A quota as Service Quotas lists it. */
const listed = (QuotaCode: string, Value: number, fields: object = {}) => ({
  QuotaCode,
  QuotaName: `Quota ${QuotaCode}`,
  Value,
  Adjustable: true,
  ...fields,
});
const metric = (Class: string) => ({
  UsageMetric: {
    MetricNamespace: 'AWS/Usage',
    MetricName: 'ResourceCount',
    MetricDimensions: { Service: 'EC2', Resource: 'vCPU', Type: 'Resource', Class },
    MetricStatisticRecommendation: 'Maximum',
  },
});

interface Answers {
  /** Pages of each service, in order. */
  pages?: Readonly<Record<string, readonly (readonly object[])[]>>;
  list?: (call: z.output<typeof askedSchema>) => Canned | undefined;
  metrics?: (queries: z.output<typeof queriesSchema>) => Canned;
}

/** Reads the quotas of an account whose services answer so. */
async function read({ pages = {}, list, metrics = () => json({ MetricDataResults: [] }) }: Answers) {
  aws = await cannedEc2((call) => {
    const body: unknown = JSON.parse(call.get('json') ?? '{}');
    if (call.get('Action') === 'GetMetricData') return metrics(queriesSchema.parse(body));
    expect(call.get('Action')).toBe('ListServiceQuotas');
    const asked = askedSchema.parse(body);
    const canned = list?.(asked);
    if (canned) return canned;
    const at = Number(asked.NextToken ?? 0);
    const all = pages[asked.ServiceCode] ?? [];
    const next = at + 1 < all.length ? { NextToken: String(at + 1) } : {};
    return json({ Quotas: all[at] ?? [], ...next });
  });
  const client = connect(aws.url);
  if (!has(client, 'quotas')) throw new TypeError('driver aws reads no quotas');
  return await client.readQuotas(AT);
}

const asked = () => (aws?.calls ?? []).map((call) => call.get('Action'));

describe('the quotas of an AWS account', () => {
  test('are those of ec2, vpc and ebs that limit launches, over all pages, in the units of the contract', async () => {
    const quotas = await read({
      pages: {
        ec2: [
          [listed('L-1216C47A', 64), listed('L-0A0A0A0A', 7)],
          [listed('L-34B43A08', 5, { Adjustable: false }), listed('L-DB2E81BA', 0), listed('L-417A185B', -1)],
        ],
        vpc: [[listed('L-DF5E4CA3', 5_000), listed('L-F678F1CE', 5)]],
        ebs: [[listed('L-7A658B76', 50)]],
      },
    });
    const of = (code: string) => ({ name: `Quota ${code}`, code, isAdjustable: true });
    expect(quotas).toEqual<Quota[]>([
      { unit: 'vcpus', instanceClass: 'Standard', market: 'on-demand', limit: 64, ...of('L-1216C47A') },
      {
        unit: 'vcpus',
        instanceClass: 'Standard',
        market: 'spot',
        limit: 5,
        ...of('L-34B43A08'),
        isAdjustable: false,
      },
      { unit: 'vcpus', instanceClass: 'G and VT', market: 'on-demand', limit: 0, ...of('L-DB2E81BA') },
      { unit: 'networkInterfaces', limit: 5_000, ...of('L-DF5E4CA3') },
      { unit: 'networks', limit: 5, ...of('L-F678F1CE') },
      { unit: 'volumeGb', diskType: 'gp3', limit: 51_200, ...of('L-7A658B76') },
    ]);
    expect(asked()).toEqual(Array.from({ length: 4 }, () => 'ListServiceQuotas'));
  });

  test('have the latest value of the metrics that Service Quotas names, asked in one call', async () => {
    let told: z.output<typeof queriesSchema> | undefined;
    const quotas = await read({
      pages: {
        ec2: [[listed('L-1216C47A', 64, metric('Standard/OnDemand')), listed('L-417A185B', 0)]],
        vpc: [[listed('L-F678F1CE', 5, metric('None'))]],
      },
      metrics: (queries) => {
        told = queries;
        const [first, second] = queries.MetricDataQueries;
        const results = [
          { Id: first?.Id, Values: [12, 9] },
          { Id: second?.Id, Values: [] },
        ];
        return json({ MetricDataResults: results });
      },
    });
    expect(quotas.map(({ code, used }) => [code, used])).toEqual([
      ['L-1216C47A', 12],
      ['L-417A185B', undefined],
      ['L-F678F1CE', undefined],
    ]);
    expect(told?.MetricDataQueries).toHaveLength(2);
    expect(told?.MetricDataQueries[0]?.MetricStat).toMatchObject({
      Stat: 'Maximum',
      Metric: { Namespace: 'AWS/Usage', MetricName: 'ResourceCount' },
    });
    expect(told?.MetricDataQueries[0]?.MetricStat.Metric.Dimensions).toContainEqual({
      Name: 'Class',
      Value: 'Standard/OnDemand',
    });
    expect((told?.EndTime ?? 0) - (told?.StartTime ?? 0)).toBe(3_600);
  });

  test.each([
    ['denies the metrics', refused(400, 'AccessDeniedException')],
    ['throttles the metrics', refused(400, 'ThrottlingException')],
    ['hangs up', 'hang-up' as const],
  ])('have no usage if CloudWatch %s', async (_what, canned) => {
    const quotas = await read({
      pages: { ec2: [[listed('L-1216C47A', 64, metric('Standard/OnDemand'))]] },
      metrics: () => canned,
    });
    expect(quotas).toMatchObject([{ code: 'L-1216C47A', limit: 64 }]);
    expect(quotas[0]).not.toHaveProperty('used');
  });

  test('are unknown without the right to list them, and the error names the call', async () => {
    const reading = read({ list: () => refused(400, 'AccessDeniedException') });
    await expect(reading).rejects.toMatchObject({
      code: 'Forbidden',
      call: 'servicequotas:ListServiceQuotas',
    });
    expect(asked()).toEqual(['ListServiceQuotas']);
  });

  test('are unknown as a whole if a later service throttles, so that no part is taken for all', async () => {
    const reading = read({
      pages: { ec2: [[listed('L-1216C47A', 64)]] },
      list: ({ ServiceCode }) =>
        ServiceCode === 'ebs' ? refused(429, 'TooManyRequestsException') : undefined,
    });
    await expect(reading).rejects.toMatchObject({ code: 'Throttled' });
  });

  test('of RunInstances calls are told apart by their names, whatever the codes are', async () => {
    const named = (QuotaName: string) => ({ QuotaName: `RunInstances request bucket ${QuotaName}` });
    const quotas = await read({
      pages: {
        ec2: [
          [
            listed('L-8EEB235C', 6, named('refill rate')),
            listed('L-A2D70E6C', 15, named('maximum capacity')),
          ],
        ],
      },
    });
    expect(quotas.map(({ unit, limit }) => [unit, limit])).toEqual([
      ['createCallsPerSecond', 6],
      ['createCallsAtOnce', 15],
    ]);
  });

  test('of a server whose pages never end are read to the twentieth page', async () => {
    await read({ list: () => json({ Quotas: [], NextToken: 'again' }) });
    expect(asked()).toHaveLength(60);
  });

  test('without a value, or with a negative one, are left out', async () => {
    const { Value: _, ...bare } = listed('L-1216C47A', 0);
    expect(await read({ pages: { ec2: [[bare, listed('L-417A185B', -1)]] } })).toEqual([]);
  });

  test('of an unknown region are not asked for', async () => {
    await read({});
    const before = asked().length;
    const client = connect(aws?.url ?? '');
    if (!has(client, 'quotas')) throw new TypeError('driver aws reads no quotas');
    await expect(client.readQuotas('cn-north-1')).rejects.toMatchObject({ code: 'InvalidRequest' });
    expect(asked()).toHaveLength(before);
  });
});

test('each class of instance types has at most one quota in each market, and its name is one of `quotaClassOf`', () => {
  const types = ['m6i.large', 'g5.xlarge', 'vt1.3xlarge', 'p5.48xlarge', 'x2idn.16xlarge', 'f1.2xlarge'];
  const others = ['inf2.xlarge', 'trn1.2xlarge', 'dl1.24xlarge', 'hpc7a.96xlarge', 'u-6tb1.56xlarge'];
  const classes = new Set([...types, ...others].map((type) => quotaClassOf(awsMetadata, type)));
  const ofMachines = [...KNOWN_QUOTAS.values()].filter(({ market }) => market !== undefined);
  const keys = ofMachines.map(({ instanceClass, market }) => `${instanceClass} ${market}`);
  expect(new Set(keys).size).toBe(keys.length);
  const onDemand = ofMachines.flatMap(({ instanceClass, market }) =>
    market === 'on-demand' && instanceClass !== undefined ? [instanceClass] : [],
  );
  expect(onDemand.toSorted()).toEqual([...classes].sort());
  expect(KNOWN_QUOTAS.size).toBeLessThanOrEqual(MAX_QUOTAS);
});
