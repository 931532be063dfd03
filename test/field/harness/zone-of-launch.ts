import type { Asked } from '../worlds/asked.ts';
import { nodesAt, parametersOf, textAt } from '../worlds/ec2/query.ts';
import type { Ec2World } from '../worlds/ec2/world.ts';

/** Returns the zone of a RunInstances request: the zone of its subnet. */
export function zoneOfLaunch(world: Ec2World, { url, text }: Asked): string {
  const [card] = nodesAt(parametersOf(text), 'NetworkInterface');
  const subnetId = card ? textAt(card, 'SubnetId') : '';
  const region = world.region(url.hostname.split('.')[1]);
  return region.parts.get(subnetId)?.facts.get('availability-zone') ?? '';
}

/** Status of the answer to a dry run that EC2 would allow. */
export const DRY_RUN_STATUS = 412;

/** Returns true if a RunInstances request only asks whether it would be allowed, as the check of rights does. */
export const isDryRun = ({ text }: Asked): boolean => textAt(parametersOf(text), 'DryRun') === 'true';

/** Returns the number of machines that a RunInstances request asks for. */
export const machinesOfLaunch = ({ text }: Asked): number => Number(textAt(parametersOf(text), 'MaxCount'));
