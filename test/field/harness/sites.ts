import type { ConnectionRequest, DriverName } from '../../../functions/model/connection.ts';
import { ENDPOINT } from '../../chaos/models/clouds.ts';
import { TYPE } from '../worlds/ec2/catalogue-actions.ts';
import { FLAVOR } from '../worlds/openstack/nova.ts';
import { KEYSTONE_URL, REGION } from '../worlds/openstack/world.ts';
import { SPIDER_ACCOUNT, SPIDER_URL } from '../worlds/spider/world.ts';

/** The values that a user writes in requests for a connection to a cloud, and for a fleet at that cloud. */
export interface Site {
  request: Pick<ConnectionRequest, 'driver' | 'cloud' | 'credential' | 'endpoint'>;
  location: string;
  instanceType: string;
  image: string;
}

/** One site for each driver, in the default worlds (scripted or simulated clouds). */
export const SITES: { readonly [Name in DriverName]: Site } = {
  sim: {
    request: { driver: 'sim', cloud: 'aws', endpoint: ENDPOINT, credential: { account: 'account-1' } },
    location: 'east-1',
    instanceType: 'small',
    image: 'linux',
  },
  aws: {
    request: {
      driver: 'aws',
      cloud: 'aws',
      credential: { accessKeyId: 'AKIDFIELD', secretAccessKey: 'secret-key-of-the-field' },
    },
    location: 'us-east-1',
    instanceType: TYPE,
    image: 'ubuntu-24.04',
  },
  openstack: {
    request: {
      driver: 'openstack',
      cloud: 'openstack',
      endpoint: KEYSTONE_URL,
      credential: {
        applicationCredentialId: 'credential-1',
        applicationCredentialSecret: 'secret-of-the-field',
      },
    },
    location: REGION,
    instanceType: FLAVOR,
    image: 'ubuntu-24.04',
  },
  'cb-spider': {
    request: {
      driver: 'cb-spider',
      cloud: 'mock',
      endpoint: SPIDER_URL,
      credential: { ...SPIDER_ACCOUNT, MockName: 'account-1' },
    },
    location: 'mercury',
    instanceType: 'mock-vmspec-01',
    image: 'mock-vmimage-01',
  },
};
