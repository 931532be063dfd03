import type { DriverMetadata } from '../contract/metadata.ts';

/** Describes OpenStack clouds, as far as they are known without a call. */
export const openstackMetadata = {
  name: 'openstack',
  title: 'OpenStack',
  clouds: ['openstack'],
  endpoint: 'required',
  credentialFields: [
    {
      name: 'applicationCredentialId',
      description: 'Id of a Keystone application credential, which is bound to one project',
      secret: false,
      required: true,
      alternative: 'application-credential',
      pattern: '[\\x21-\\x7e]{1,255}',
    },
    {
      name: 'applicationCredentialSecret',
      description: "The application credential's secret, shown once when it is made",
      secret: true,
      required: true,
      alternative: 'application-credential',
    },
    {
      name: 'username',
      description: "The user's name (OS_USERNAME)",
      secret: false,
      required: true,
      alternative: 'password',
    },
    {
      name: 'password',
      description: "The user's password (OS_PASSWORD)",
      secret: true,
      required: true,
      alternative: 'password',
    },
    {
      name: 'projectName',
      description: 'The project that machines are made in (OS_PROJECT_NAME)',
      secret: false,
      required: true,
      alternative: 'password',
    },
    {
      name: 'userDomainName',
      description: "The user's domain (OS_USER_DOMAIN_NAME); Default when absent",
      secret: false,
      required: false,
      alternative: 'password',
    },
    {
      name: 'projectDomainName',
      description: "The project's domain (OS_PROJECT_DOMAIN_NAME); the user's when absent",
      secret: false,
      required: false,
      alternative: 'password',
    },
  ],
  apiKind: 'locational',
  inventoryPollMinutes: 60,
  // Nova shows a server as soon as it has answered. A request whose answer was lost may wait in a load balancer for up
  // to this time.
  consistencyWindowMs: 60_000,
  // Nova sets the creation time when it takes the request. The request may have waited in a load balancer before.
  longestCreateMs: 300_000,
  machineProof: ['creation-time'],
  backendIds: 'unique',
  // Nova accepts 255 characters, and makes a host name from the first 63.
  maxNameLength: 63,
  capabilities: ['stop-start', 'reboot', 'batch-create', 'quotas', 'writer-marks'],
  features: ['tags', 'user-data'],
} as const satisfies DriverMetadata;
