import * as z from 'zod';
import type { Asked } from '../asked.ts';

const nameSchema = z.object({ Name: z.string() });
const valueSchema = nameSchema.extend({ Value: z.string() });
const pathSchema = z.object({ Path: z.string() });

/** The Parameter Store of one account. It refuses reads of AWS's public parameters. */
export class AccountParameters {
  readonly #values = new Map<string, string>();

  answer({ headers, text }: Pick<Asked, 'headers' | 'text'>): Response {
    const body: unknown = JSON.parse(text);
    switch (headers.get('x-amz-target')) {
      case 'AmazonSSM.PutParameter': {
        const { Name, Value } = valueSchema.parse(body);
        this.#values.set(Name, Value);
        return json({ Version: 1 });
      }
      case 'AmazonSSM.GetParametersByPath': {
        const { Path } = pathSchema.parse(body);
        const found = [...this.#values].filter(([name]) => name.startsWith(`${Path}/`));
        return json({ Parameters: found.map(([Name, Value]) => ({ Name, Value, Type: 'String' })) });
      }
      case 'AmazonSSM.DeleteParameter': {
        const { Name } = nameSchema.parse(body);
        return this.#values.delete(Name)
          ? json({})
          : json({ __type: 'ParameterNotFound', message: Name }, 400);
      }
      default:
        return json(
          { __type: 'AccessDeniedException', message: 'not authorized to perform: ssm:GetParameters' },
          400,
        );
    }
  }
}

function json(body: object, status = 200): Response {
  return Response.json(body, { status, headers: { 'content-type': 'application/x-amz-json-1.1' } });
}
