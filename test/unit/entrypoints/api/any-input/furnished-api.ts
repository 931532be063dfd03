import { PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Route } from '../../../../../functions/entrypoints/api/routes/route.ts';
import { issueRootKey } from '../../../../../functions/platform/store/api-keys.ts';
import { createNamespace } from '../../../../../functions/platform/store/namespaces.ts';
import { type SharedItem, sharedKey } from '../../../../../functions/platform/store/shared-networks.ts';
import { furnish } from '../../../../engine/api/furnish.ts';
import { KNOWN } from './any-json.ts';
import { InProcessApi } from './api.ts';

const sharedNetwork: SharedItem = {
  connectionKey: 'sim/default/sim-aws',
  location: 'us-east-1',
  kind: 'network',
  identity: 'network',
  name: 'sharedn1kdvdnc4jyfcbym5',
  status: 'Ready',
  failingSinceMs: 0,
  claimUntilMs: 0,
  users: 0,
  joins: 1,
  leftAtMs: 0,
  cidr: '10.7.0.0/16',
};

/**
 * Returns an API with objects that many operations need: connections with a catalogue, a single instance with its fleet, a
 * shared network, a sweep, a share, a binding, and an API key. Requests that `anyRequest` draws name these objects.
 */
export async function furnishedApi(): Promise<InProcessApi> {
  const api = new InProcessApi();
  await api.open();
  await furnish(api.store, 'default');
  await createNamespace(api.store, { name: 'empty' });
  await orderOne(api);
  return api;
}

async function orderOne(api: InProcessApi): Promise<void> {
  const post = (handler: Route['handler'], path: string, json: unknown) =>
    api.ask(handler, {
      method: 'POST',
      path: `/v1/namespaces/default/${path}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(json),
    });
  const idSchema = z.object({ id: z.string() });
  const ofOne = { name: 'web-global', location: 'us-east-1', connection: 'sim-aws' };
  const instance = await post('fleets', 'instances', {
    ...ofOne,
    instanceType: 'm6i.large',
    image: 'ubuntu-24.04',
  });
  KNOWN.set('instance', [idSchema.parse(instance.body).id]);
  const network = { ...sharedNetwork, ...sharedKey(sharedNetwork) };
  await api.store.document.send(new PutCommand({ TableName: api.store.tables.fleets, Item: network }));
  KNOWN.set('network', [sharedNetwork.name]);
  const sweep = await post('resources', 'orphans/sweep', {});
  KNOWN.set('sweep', [idSchema.parse(sweep.body).id]);
  await api.ask('connections', {
    method: 'PUT',
    path: '/v1/namespaces/default/connections/sim-gcp/shares/empty',
  });
  const key = await issueRootKey(api.store, { name: 'another' });
  const binding = await api.ask('access', {
    method: 'POST',
    path: '/v1/bindings',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'aws', name: 'arn:aws:iam::123456789012:role/ops', role: 'viewer' }),
  });
  KNOWN.set('id', [key.id, idSchema.parse(binding.body).id]);
}
