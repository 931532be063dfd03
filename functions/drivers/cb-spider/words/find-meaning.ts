import type { Cloud } from '../../../model/cloud.ts';
import { ALIBABA } from './alibaba.ts';
import { AWS } from './aws.ts';
import { AZURE } from './azure.ts';
import { GCP } from './gcp.ts';
import { IBM } from './ibm.ts';
import { KOREAN } from './korean.ts';
import { OPENSTACK } from './openstack.ts';
import { ORACLE } from './oracle.ts';
import type { Meaning, WordRule } from './rule.ts';
import { TENCENT } from './tencent.ts';

/** All tables, in the order in which a text is looked up that the table of its own cloud does not know. */
const ALL: readonly (readonly WordRule[])[] = [
  AWS,
  AZURE,
  GCP,
  ALIBABA,
  TENCENT,
  ORACLE,
  OPENSTACK,
  IBM,
  KOREAN,
];

/** The tables of each cloud that has its own, the most specific table first. */
const OWN: Readonly<Partial<Record<Cloud, readonly (readonly WordRule[])[]>>> = {
  aws: [AWS],
  azure: [AZURE],
  gcp: [GCP],
  alibaba: [ALIBABA],
  tencent: [TENCENT],
  ibm: [IBM],
  openstack: [OPENSTACK],
  oracle: [ORACLE],
  ncp: [KOREAN],
  nhn: [OPENSTACK, KOREAN],
  kt: [OPENSTACK, KOREAN],
  ktclassic: [KOREAN],
};
/** A longer text is cut before the look-up, so that its length bounds the time of the patterns. */
const LONGEST_WORDS = 4_000;

/**
 * Looks up the words of a cloud. The table of the connection's own cloud decides first, then the tables of all clouds:
 * several clouds are made with the software of another one.
 *
 * @param cloud absent: the cloud is not known
 */
export function findMeaning(message: string, cloud?: Cloud): Meaning | undefined {
  const words = message.slice(0, LONGEST_WORDS);
  const own = cloud === undefined ? [] : (OWN[cloud] ?? []);
  for (const rules of [...own, ...ALL]) {
    for (const rule of rules) {
      const found = rule(words);
      if (found) return found;
    }
  }
  return undefined;
}
