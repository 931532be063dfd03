import {
  GetParameterCommand,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import * as z from 'zod';
import type { OutsideBeat } from './beat.ts';

const valueSchema = z.object({ deploymentId: z.string(), beat: z.number() });

/** Returns an `OutsideBeat` that keeps the beat in a standard parameter of the Parameter Store, which costs nothing. */
export function parameterBeat(ssm: SSMClient, secretsPrefix: string): OutsideBeat {
  const Name = `${secretsPrefix}/deployment/beat`;
  return {
    async read(deploymentId) {
      try {
        const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
        const value = valueSchema.parse(JSON.parse(Parameter?.Value ?? 'null'));
        return value.deploymentId === deploymentId ? value.beat : undefined;
      } catch (error) {
        if (error instanceof ParameterNotFound) return undefined;
        throw error;
      }
    },
    async write(deploymentId, beat) {
      const Value = JSON.stringify({ deploymentId, beat });
      await ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: true }));
    },
  };
}
