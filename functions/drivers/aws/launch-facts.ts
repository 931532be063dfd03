import {
  DescribeImagesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeSubnetsCommand,
  type Image as Ec2Image,
} from '@aws-sdk/client-ec2';
import type { Architecture } from '../../model/cloud.ts';
import type { InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';
import { Kept } from './kept.ts';
import { architecturesOf } from './offers.ts';
import { filter } from './tags.ts';
import type { TypeBook } from './type-book.ts';
import { whenVisible } from './visible.ts';

interface TypeFacts {
  architectures: readonly Architecture[];
  /** The zones that have the type. Not every zone of a region has every type. */
  zones: ReadonlySet<string>;
}

interface Subnet {
  id: string;
  zone: string;
}

/**
 * Caches the data that a launch needs in addition to its spec. The data is read once in a client's life, not for each
 * machine.
 */
export class LaunchFacts {
  readonly #ec2: Ec2;
  readonly #book: TypeBook;
  readonly #types = new Kept<TypeFacts>();
  readonly #images = new Kept<Ec2Image>();
  readonly #subnets = new Kept<Subnet[]>();

  constructor(ec2: Ec2, types: TypeBook) {
    this.#ec2 = ec2;
    this.#book = types;
  }

  /**
   * Reads the facts for one launch.
   *
   * @returns the image, and the subnets in which the machine may be created, sorted by zone
   * @throws DriverError InvalidRequest if the type or the image does not exist, or the type cannot boot the image;
   * Unsupported if none of the zones that the spec allows has the type
   */
  async of(spec: InstanceSpec): Promise<{ image: Ec2Image; subnets: readonly Subnet[] }> {
    const { location, instanceType, imageBackendId, networkBackendId } = spec;
    const key = (...parts: string[]) => [location, ...parts].join(' ');
    const [type, image, all] = await Promise.all([
      this.#types.get(key(instanceType), () => asInvalid(() => this.#readType(location, instanceType))),
      this.#images.get(key(imageBackendId), () => asInvalid(() => this.#readImage(location, imageBackendId))),
      this.#subnets.get(key(networkBackendId), () =>
        whenVisible(this.#ec2.clock, () => this.#readSubnets(location, networkBackendId)),
      ),
    ]);
    const architecture = image.Architecture ?? '';
    if (!type.architectures.some((one) => one === architecture)) {
      throw new DriverError(
        'InvalidRequest',
        `image ${imageBackendId} is for ${architecture}, but instance type ${instanceType} is for ${type.architectures.join(', ')}`,
      );
    }
    const subnets = all.filter(
      ({ id, zone }) =>
        (spec.subnetBackendId === undefined || id === spec.subnetBackendId) &&
        (spec.zone === undefined || zone === spec.zone) &&
        type.zones.has(zone),
    );
    if (subnets.length === 0) {
      const where = spec.zone ?? `any zone of ${location} in which the network has a subnet`;
      throw new DriverError('Unsupported', `${instanceType} is not offered in ${where}`, {
        scope: spec.zone === undefined ? 'site' : 'zone',
      });
    }
    return { image, subnets };
  }

  async #readType(location: string, instanceType: string): Promise<TypeFacts> {
    const offerings = await this.#ec2.all(
      (NextToken) =>
        this.#ec2.send(
          location,
          new DescribeInstanceTypeOfferingsCommand({
            LocationType: 'availability-zone',
            Filters: [filter('instance-type', instanceType)],
            NextToken,
          }),
        ),
      ({ InstanceTypeOfferings }) => InstanceTypeOfferings,
    );
    const isOffered = offerings.some(({ InstanceType }) => InstanceType === instanceType);
    const [info] = isOffered ? await this.#book.read(location, [instanceType]) : [];
    if (!info)
      throw new DriverError('InvalidRequest', `region ${location} has no instance type ${instanceType}`);
    return {
      architectures: architecturesOf(info.ProcessorInfo?.SupportedArchitectures),
      zones: new Set(offerings.flatMap(({ Location }) => Location ?? [])),
    };
  }

  async #readImage(location: string, imageId: string): Promise<Ec2Image> {
    const { Images } = await this.#ec2.send(location, new DescribeImagesCommand({ ImageIds: [imageId] }));
    const image = Images?.[0];
    if (!image) throw new DriverError('InvalidRequest', `region ${location} has no image ${imageId}`);
    return image;
  }

  async #readSubnets(location: string, networkId: string): Promise<Subnet[]> {
    const answers = await this.#ec2.all(
      (NextToken) =>
        this.#ec2.send(
          location,
          new DescribeSubnetsCommand({ Filters: [filter('vpc-id', networkId)], NextToken }),
        ),
      ({ Subnets }) => Subnets,
    );
    if (answers.length === 0) {
      throw new DriverError('NotFound', `network ${networkId} has no subnet in ${location}`);
    }
    return answers
      .flatMap(({ SubnetId: id, AvailabilityZone: zone }) =>
        id === undefined || zone === undefined ? [] : [{ id, zone }],
      )
      .sort((a, b) => (a.zone < b.zone ? -1 : 1));
  }
}

/** Converts `NotFound` to `InvalidRequest`: a launch with an unknown type or image can never succeed. */
async function asInvalid<Answer>(read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
    const { cloudCode, call, message } = error;
    throw new DriverError('InvalidRequest', message, {
      cause: error,
      ...(cloudCode === undefined ? {} : { cloudCode }),
      ...(call === undefined ? {} : { call }),
    });
  }
}
