import type { Cloud } from '../../model/cloud.ts';

const HEX = '[0-9a-f]';
const UUID = `${HEX}{8}(?:-${HEX}{4}){3}-${HEX}{12}`;
const URN_PART = '[A-Za-z0-9._-]+';

/**
 * The forms of image ids in CB-Spider's drivers, which read an image by such an id (`ImageHandler.go` of each cloud, commit
 * 6459f464). At Azure, CB-Spider knows marketplace images alone, by their URN. At Google, an id is the image's URL.
 */
export const IMAGE_ID_PATTERNS = {
  aws: `ami-(?:${HEX}{8}|${HEX}{17})`,
  azure: `${URN_PART}(?::${URN_PART}){3}`,
  gcp: '(?:https://www\\.googleapis\\.com/compute/v1/)?projects/[a-z][a-z0-9:.-]+/global/images/[a-z][a-z0-9-]*',
  alibaba: 'm-[a-z0-9]{16,32}|[A-Za-z0-9_]+(?:\\.[A-Za-z0-9_]+)*\\.vhd',
  tencent: 'img-[a-z0-9]{8}',
  ibm: `r[0-9]{3}-${UUID}`,
  oracle: 'ocid1\\.image\\.[a-z0-9]+\\.[a-z0-9-]*\\.[a-z0-9]+',
  openstack: UUID,
  nhn: UUID,
  kt: UUID,
  ktclassic: UUID,
  ncp: '[0-9]{4,12}',
  mock: 'mock-vmimage-[0-9]{2}',
} as const satisfies Partial<Record<Cloud, string>>;
