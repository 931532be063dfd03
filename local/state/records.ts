import { z } from 'zod';
import { processSchema } from './processes.ts';

/** What `up` started, or found, so that the next call finds it again. */
export const engineRecordSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('endpoint'), url: z.url() }),
  z.object({ kind: z.literal('process'), url: z.url(), process: processSchema }),
  z.object({ kind: z.literal('container'), url: z.url(), container: z.string(), hostSeenAs: z.string() }),
]);
export type EngineRecord = z.infer<typeof engineRecordSchema>;

export const cloudsRecordSchema = z.object({
  url: z.url(),
  process: processSchema,
  config: z.string().optional(),
});
export type CloudsRecord = z.infer<typeof cloudsRecordSchema>;

export const gatewayRecordSchema = z.object({ url: z.url(), process: processSchema, target: z.url() });
export type GatewayRecord = z.infer<typeof gatewayRecordSchema>;

/** Outputs of the CloudFormation stack; those are named that the local runtime needs itself. */
export const outputsSchema = z
  .object({ ApiUrl: z.url(), DeploymentId: z.string(), AccessTable: z.string() })
  .catchall(z.string());
export type Outputs = z.infer<typeof outputsSchema>;

/** What was deployed to which engine, and from which sources (a hash of them). */
export const deployedRecordSchema = z.object({
  engineUrl: z.url(),
  sources: z.string(),
  outputs: outputsSchema,
});
export type DeployedRecord = z.infer<typeof deployedRecordSchema>;

/** What `up` answers, and what the command line reads to find the API. */
export const localStackSchema = z.object({
  apiUrl: z.url(),
  apiKey: z.string(),
  simUrl: z.url(),
  engineUrl: z.url(),
  namespace: z.literal('default'),
});
export type LocalStack = z.infer<typeof localStackSchema>;

export const RECORDS = {
  engine: 'engine.json',
  clouds: 'clouds.json',
  deployed: 'deployed.json',
  context: 'context.json',
} as const;
