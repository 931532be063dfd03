import type { DriverMetadata } from '../contract/metadata.ts';

/**
 * Describes the driver. All facts here are known without a call to the cloud. `drivers/contract/metadata.ts` explains
 * each field.
 */
export const templateMetadata = {
  name: 'template',
  title: 'A cloud with a small JSON API',
  clouds: ['mock'],
  endpoint: 'required',
  credentialFields: [
    {
      name: 'apiToken',
      description:
        'API token of the project for the instances, with the right to create servers and networks',
      secret: true,
      required: true,
      pattern: '[\\x21-\\x7e]{8,512}',
    },
  ],
  apiKind: 'locational',
  inventoryPollMinutes: 60,
  statusPollSeconds: 5,
  consistencyWindowMs: 10_000,
  // The cloud answers within seconds, and sets the creation time when it answers.
  longestCreateMs: 120_000,
  machineProof: ['creation-time'],
  backendIds: 'unique',
  maxNameLength: 63,
  publicKeys: { maxPerMachine: 1, types: ['ssh-ed25519', 'ssh-rsa'] },
  maxInboundRules: 50,
  capabilities: ['reboot'],
  features: ['user-data', 'prices', 'public-ips'],
} as const satisfies DriverMetadata;
