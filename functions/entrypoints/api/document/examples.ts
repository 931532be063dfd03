import type { ClientInput, OperationId, OperationOutput } from '../contract.ts';
import {
  apiKey,
  auditEntry,
  binding,
  connection,
  driver,
  fleet,
  fleetRequest,
  hold,
  image,
  instance,
  instanceRequest,
  instanceType,
  limits,
  location,
  NAMES,
  namespace,
  network,
  offer,
  orphan,
  resource,
  sweep,
  word,
} from './example-objects.ts';

/** An example of an operation: the body of a request and that of its answer, if the operation has them. */
export interface Example<Id extends OperationId> {
  request?: ClientInput<Id>['body'];
  response?: OperationOutput<Id>;
}

const pageOf = <Item>(item: Item) => ({ items: [item], cursor: null });
const connectionRequest = {
  name: NAMES.connection,
  driver: 'sim',
  cloud: 'aws',
  credential: { account: 'demo' },
} as const;
const expiry = '2999-01-01T00:00:00Z';
const ranges = { ranges: { [NAMES.location]: '10.7.0.0/16' } };
const override = { calls: { list: { perSecond: 2, burst: 4 } } };
const verifying = { ...connection, status: 'Verifying' } as const;

/** An example of every operation. The compiler reports an operation without one, and a test one without its bodies. */
export const EXAMPLES: { readonly [Id in OperationId]: Example<Id> } = {
  createNamespace: { request: { name: 'team-search', description: 'Search' }, response: namespace },
  listNamespaces: { response: pageOf(namespace) },
  getNamespace: { response: namespace },
  deleteNamespace: {},
  createApiKey: {
    request: { name: 'ci-runner', role: 'operator', namespaces: ['default'], expiresAt: expiry },
    response: { ...apiKey, key: 'fw_0123456789ab_…' },
  },
  listApiKeys: { response: pageOf(apiKey) },
  revokeApiKey: {},
  createBinding: {
    request: { kind: 'group', name: 'operators', role: 'operator', namespaces: ['default'] },
    response: binding,
  },
  listBindings: { response: pageOf(binding) },
  getBinding: { response: binding },
  deleteBinding: {},
  getOpenApi: { response: { openapi: '3.1.0', info: { title: 'Fleetwright', version: '1' }, paths: {} } },
  listNamespaceAudit: { response: pageOf(auditEntry) },
  listAudit: { response: pageOf(auditEntry) },
  listDrivers: { response: pageOf(driver) },
  createConnection: { request: { ...connectionRequest, name: 'sim-aws-2' }, response: verifying },
  listConnections: { response: pageOf(connection) },
  getConnection: { response: connection },
  deleteConnection: {},
  shareConnection: { response: { ...connection, sharedWith: ['team-search'] } },
  unshareConnection: { response: connection },
  setOrphanPolicy: { request: { action: 'report', graceSeconds: 3_600 }, response: connection },
  setConnectionNetwork: { request: { mode: 'dedicated' }, response: connection },
  getLimits: { response: limits },
  setLimits: { request: override, response: { ...connection, limits: override } },
  reopenLimits: {
    request: { location: NAMES.location },
    response: { reopened: [{ location: NAMES.location, families: ['m6i'] }] },
  },
  getWords: { response: { items: [word] } },
  rotateCredential: { request: { credential: { account: 'demo' } }, response: connection },
  disableConnection: { response: { ...connection, status: 'Disabled' } },
  enableConnection: { response: verifying },
  verifyConnection: { response: verifying },
  syncInventory: { response: connection },
  listLocations: { response: pageOf(location) },
  listInstanceTypes: { response: pageOf(instanceType) },
  listOffers: { response: pageOf(offer) },
  listImages: { response: pageOf(image) },
  createFleet: {
    request: fleetRequest,
    response: {
      ...fleet,
      status: 'Preparing',
      counts: { requested: 2, Planned: 2 },
      progress: 0,
      allowedActions: ['hold', 'abort'],
    },
  },
  validateFleet: { request: fleetRequest, response: { warnings: [] } },
  listFleets: { response: pageOf(fleet) },
  getFleet: { response: fleet },
  deleteFleet: { response: { ...fleet, status: 'Terminating' } },
  actOnFleet: { request: { action: 'abort' }, response: { ...fleet, status: 'Terminating' } },
  listInstances: { response: pageOf(instance) },
  createInstance: { request: instanceRequest, response: { ...instance, name: 'web-1' } },
  getInstance: { response: instance },
  deleteInstance: { response: { ...instance, status: 'Terminating', target: 'Terminated' } },
  listResources: { response: pageOf(resource) },
  listFleetResources: { response: pageOf(resource) },
  listNetworks: { response: pageOf(network) },
  getNetwork: { response: network },
  removeNetworks: { request: { connection: NAMES.connection }, response: { removing: [network] } },
  getNetworkRanges: { response: ranges },
  setNetworkRanges: { request: ranges, response: ranges },
  removeVolume: { response: resource },
  listOrphans: { response: pageOf(orphan) },
  sweepOrphans: { request: { dryRun: true }, response: { ...sweep, status: 'Running' } },
  getSweep: { response: sweep },
  listSweepHolds: { response: pageOf(hold) },
  continueSweeps: { request: { connection: NAMES.connection }, response: { continued: [hold] } },
};
