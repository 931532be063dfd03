import {
  type Image,
  type InstanceType,
  imageSchema,
  instanceTypeSchema,
  type Location,
  locationSchema,
  type Offer,
  offerSchema,
} from '../../model/cloud.ts';
import { type LocationRights, locationRightsSchema } from '../../model/location-rights.ts';

/** Returns the partition key of a connection's catalogue and of its quotas, which inventory syncs write. */
export const partition = (connectionKey: string): string => `CATALOGUE#${connectionKey}`;

export const locationSk = (name: string): string => `LOCATION#${name}`;
export const typeSk = (name: string): string => `TYPE#${name}`;
export const offerSk = ({
  location,
  zone,
  instanceType,
}: Pick<Offer, 'location' | 'zone' | 'instanceType'>): string =>
  `OFFER#${location}#${zone ?? ''}#${instanceType}`;
export const imageSk = ({ location, name }: Pick<Image, 'location' | 'name'>): string =>
  `IMAGE#${location ?? ''}#${name}`;

export const RIGHTS_PREFIX = 'RIGHTS#';
export const rightsSk = (location: string): string => `${RIGHTS_PREFIX}${location}`;

export const parseRights = (item: unknown): LocationRights => locationRightsSchema.parse(item);
export const parseLocation = (item: unknown): Location => locationSchema.parse(item);
export const parseType = (item: unknown): InstanceType => instanceTypeSchema.parse(item);
export const parseOffer = (item: unknown): Offer => offerSchema.parse(item);
export const parseImage = (item: unknown): Image => imageSchema.parse(item);
