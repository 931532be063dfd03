import { TOKEN_TAGS } from '../../../functions/drivers/aws/tags.ts';
import { tokenAt } from '../../../functions/drivers/contract/launch-list.ts';
import { parseLaunchToken } from '../../../functions/model/identifiers.ts';
import type { Asked } from '../worlds/asked.ts';
import { parametersOf, tagsAt, textAt } from '../worlds/ec2/query.ts';

/** Returns the positions in their fleet of the instances that a RunInstances request asks for. */
export function positionsOfLaunch({ text }: Asked): number[] {
  const parameters = parametersOf(text);
  const tags = tagsAt(parameters, 'instance');
  const values = TOKEN_TAGS.flatMap((key) => tags.get(key) ?? []);
  const count = Number(textAt(parameters, 'MaxCount'));
  return Array.from({ length: count }, (_, at) => parseLaunchToken(tokenAt(values, at) ?? '')?.index).filter(
    (index) => index !== undefined,
  );
}
