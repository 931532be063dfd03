import { DescribeInstanceTypesCommand, type InstanceTypeInfo } from '@aws-sdk/client-ec2';
import pLimit from 'p-limit';
import * as z from 'zod';
import type { Ec2 } from './ec2.ts';

/** Maximum number of type names that EC2 accepts in one call. */
const MAX_NAMES = 100;
const CONCURRENT_CALLS = 2;

/** Accepts any name, because EC2 may have types that are newer than the SDK's list. EC2 refuses unknown names. */
const typeNameSchema = z.custom<NonNullable<InstanceTypeInfo['InstanceType']>>(
  (name) => typeof name === 'string',
);
export const typeName = (name: string) => typeNameSchema.parse(name);

/**
 * Caches the facts of instance types. The facts of a type are the same in every region, and are read only once in a
 * client's life. Therefore the catalogues of all regions together need about a dozen calls for types, and not a dozen
 * calls for each region.
 */
export class TypeBook {
  readonly #ec2: Ec2;
  readonly #limit = pLimit(CONCURRENT_CALLS);
  readonly #known = new Map<string, Promise<InstanceTypeInfo | undefined>>();

  constructor(ec2: Ec2) {
    this.#ec2 = ec2;
  }

  /** Returns the facts of types. @param names of types that the location offers */
  async read(location: string, names: readonly string[]): Promise<InstanceTypeInfo[]> {
    const unknown = names.filter((name) => !this.#known.has(name));
    for (let at = 0; at < unknown.length; at += MAX_NAMES) {
      this.#ask(location, unknown.slice(at, at + MAX_NAMES));
    }
    const found = await Promise.all(names.map((name) => this.#known.get(name)));
    return found.flatMap((info) => info ?? []);
  }

  #ask(location: string, names: readonly string[]): void {
    const answer = this.#limit(() =>
      this.#ec2.all(
        (NextToken) =>
          this.#ec2.send(
            location,
            new DescribeInstanceTypesCommand({ InstanceTypes: names.map(typeName), NextToken }),
          ),
        ({ InstanceTypes }) => InstanceTypes,
      ),
    );
    for (const name of names) {
      const one = answer.then((infos) => infos.find(({ InstanceType }) => InstanceType === name));
      this.#known.set(name, one);
      one.catch(() => this.#known.delete(name));
    }
  }
}
