import { DRIVERS } from '../../../drivers/registry.ts';
import type { Image, Location } from '../../../model/cloud.ts';
import type { Connection } from '../../../model/connection.ts';
import { connectionKey } from '../../../model/identifiers.ts';
import { sshUserOf } from '../../../model/ssh-user.ts';
import {
  listImages,
  listInstanceTypes,
  listLocations,
  listOffers,
} from '../../../platform/store/catalogue.ts';
import type { Page, PageRequest } from '../../../platform/store/listing.ts';
import { allRights } from '../../../platform/store/location-rights.ts';
import type { Store } from '../../../platform/store/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { findVisible } from '../find-connection.ts';
import type { OperationsOf } from '../handle.ts';

interface ListQuery {
  limit: number;
  cursor?: string | undefined;
}

export function catalogueOperations(store: Store<'access' | 'catalogue'>): OperationsOf<'catalogue'> {
  /**
   * Reads a page from the store and returns the items that pass the filter. The returned cursor continues
   * after the whole page.
   */
  const list = async <Item>(
    { namespace, connection: name }: { namespace: string; connection: string },
    { limit, cursor }: ListQuery,
    read: (key: string, page: PageRequest) => Promise<Page<Item>>,
    keep: (item: Item) => boolean = () => true,
    show: (item: Item, connection: Connection) => Item = (item) => item,
  ) => {
    const { connection } = await findVisible(store, namespace, name);
    const page = await read(connectionKey(connection), { limit, cursor: decodeCursor(cursor) });
    const items = page.items.filter(keep).map((item) => show(item, connection));
    return { body: { items, cursor: encodeCursor(page.cursor) } };
  };
  return {
    listLocations: ({ params, query }) =>
      list(
        params,
        query,
        (key, page) => listWithRights(store, key, page),
        (location) =>
          (query.available === undefined || query.available === location.available) &&
          (query.country === undefined || query.country === location.country),
      ),
    listInstanceTypes: ({ params, query }) =>
      list(
        params,
        query,
        (key, page) => listInstanceTypes(store, key, page),
        (type) =>
          (query.gpu === undefined || query.gpu === (type.gpu !== undefined)) &&
          (query.architecture === undefined || query.architecture === type.architecture) &&
          type.vcpus >= (query.minVcpus ?? 0) &&
          type.memoryGb >= (query.minMemoryGb ?? 0),
      ),
    listOffers: ({ params, query }) =>
      list(
        params,
        query,
        (key, page) => listOffers(store, key, { ...page, location: query.location }),
        (offer) =>
          (query.instanceType === undefined || query.instanceType === offer.instanceType) &&
          (query.zone === undefined || query.zone === offer.zone) &&
          (query.available === undefined || query.available === offer.available) &&
          (query.maxUsdPerHour === undefined ||
            (offer.priceUsdPerHour !== undefined && offer.priceUsdPerHour <= query.maxUsdPerHour)),
      ),
    listImages: ({ params, query }) =>
      list(
        params,
        query,
        (key, page) => listImages(store, key, { ...page, location: query.location }),
        (image) =>
          (query.name === undefined || query.name === image.name) &&
          (query.architecture === undefined || image.architectures.includes(query.architecture)) &&
          (query.available === undefined || query.available === image.available),
        withSshUser,
      ),
  };
}

/** Adds the user that signs in, if users' keys reach the connection's machines. */
function withSshUser(image: Image, { driver, cloud }: Connection): Image {
  const sshUser = DRIVERS[driver].publicKeys && sshUserOf(cloud, image.name);
  return sshUser === undefined ? image : { ...image, sshUser };
}

/** Lists locations with the rights that the last verification has found missing at each of them. */
async function listWithRights(
  store: Store<'catalogue'>,
  connectionKey: string,
  page: PageRequest,
): Promise<Page<Location>> {
  const [{ items, cursor }, rights] = await Promise.all([
    listLocations(store, connectionKey, page),
    allRights(store, connectionKey),
  ]);
  const withRights = items.map((location): Location => {
    const known = rights.get(location.name);
    return known ? { ...location, missingRights: known.missing, rightsCheckedAt: known.checkedAt } : location;
  });
  return { items: withRights, cursor };
}
