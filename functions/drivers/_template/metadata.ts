import type { DriverMetadata } from '../contract/metadata.ts';

/** What is known of the cloud without asking it. Each field's meaning is in `drivers/metadata.ts`. */
export const templateMetadata = {
  name: 'template',
  title: 'A cloud with a small JSON API',
  clouds: ['mock'],
  endpoint: 'required',
  credentialFields: [
    {
      name: 'apiToken',
      description:
        'A token of the project that instances are made in, with the right to make servers and networks',
      secret: true,
      required: true,
      pattern: '[\\x21-\\x7e]{8,512}',
    },
  ],
  apiKind: 'locational',
  inventoryPollMinutes: 60,
  consistencyWindowMs: 10_000,
  // It answers within seconds, and writes the time when it does.
  longestCreateMs: 120_000,
  machineProof: ['creation-time'],
  backendIds: 'unique',
  maxNameLength: 63,
  capabilities: ['reboot'],
  features: ['user-data', 'prices'],
} as const satisfies DriverMetadata;
