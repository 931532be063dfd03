import { createAwsDriver } from '../../functions/drivers/aws/driver.ts';
import { handlerThrough } from '../../functions/drivers/aws/settings.ts';
import { createCbSpiderDriver } from '../../functions/drivers/cb-spider/driver.ts';
import { allowedAddressesSchema } from '../../functions/drivers/contract/outgoing-address.ts';
import { openConnections } from '../../functions/drivers/contract/outgoing-connections.ts';
import { sendThrough } from '../../functions/drivers/contract/outgoing-requests.ts';
import { createOpenStackDriver } from '../../functions/drivers/openstack/driver.ts';
import { createSimDriver } from '../../functions/drivers/sim/driver.ts';

/** What the local stack allows: the addresses of this machine, and of private networks. */
export const LOCAL_ADDRESSES = allowedAddressesSchema.parse(
  '127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16',
);

const connections = openConnections(LOCAL_ADDRESSES);
/** Sends the requests of a driver, as the functions of drivers do. */
export const localSend = sendThrough(connections);

/** Sends the requests of driver `aws`, as its function does. */
export const awsHandler = handlerThrough(connections);

/** The drivers as their functions have them, for clouds on this machine. */
export const simDriver = createSimDriver(localSend);
export const openstackDriver = createOpenStackDriver(localSend);
export const cbSpiderDriver = createCbSpiderDriver(localSend);
export const awsDriver = createAwsDriver(awsHandler);
