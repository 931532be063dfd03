import { createClient, paginate } from '../../client/client.ts';

/** Compiled with the project, never run: what the client's types must accept and refuse. */
export async function typesOfClient(): Promise<void> {
  const client = createClient({ apiUrl: 'http://127.0.0.1', apiKey: 'key' });
  await client.listNamespaces();
  await client.listNamespaces({ query: { limit: 3 } });
  const fleet = await client.getFleet({ params: { namespace: 'default', fleet: 'web' } });
  fleet.counts.requested satisfies number;
  // @ts-expect-error a path parameter is missing
  await client.getFleet({ params: { namespace: 'default' } });
  // @ts-expect-error a body is missing
  await client.createNamespace({});
  // @ts-expect-error there is no such query parameter
  await client.listNamespaces({ query: { page: 3 } });
  for await (const { id } of paginate((cursor) => client.listApiKeys({ query: { cursor } })))
    id satisfies string;
}
