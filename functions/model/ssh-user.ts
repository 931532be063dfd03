import type { Cloud } from './cloud.ts';

/**
 * Login users of the publishers' images, by cloud and by the beginning of the image's name. A cloud or an image family is
 * absent if its user is not known, or depends on the image.
 *
 * - `aws`: docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html, "Default user names"
 * - `openstack`: docs.openstack.org/image-guide/obtain-images.html, and cloud-init's default users for Rocky Linux and
 *   AlmaLinux
 */
const USERS: Readonly<Partial<Record<Cloud, Readonly<Record<string, string>>>>> = {
  aws: { ubuntu: 'ubuntu', debian: 'admin', al2023: 'ec2-user' },
  openstack: {
    ubuntu: 'ubuntu',
    debian: 'debian',
    fedora: 'fedora',
    rocky: 'rocky',
    almalinux: 'almalinux',
  },
};

/** Matches well-known names of images, such as `ubuntu-24.04`, `debian-12-arm64` and `al2023`. */
const WELL_KNOWN = /^(al2023|[a-z]+)(?:-\d+(?:\.\d+)?)?(?:-arm64)?$/;

/**
 * Returns the user that signs in by SSH to machines of a well-known image. Undefined if it is not known, as for any
 * image that a user has made.
 */
export function sshUserOf(cloud: Cloud, image: string): string | undefined {
  const [, family = ''] = WELL_KNOWN.exec(image) ?? [];
  const users = USERS[cloud];
  return users && Object.hasOwn(users, family) ? users[family] : undefined;
}
