import * as z from 'zod';
import { processSchema } from './processes.ts';

/** Address and key of an engine. */
const engineShape = { url: z.url(), accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) };
export const engineRecordSchema = z.discriminatedUnion('kind', [
  z.object({ ...engineShape, kind: z.literal('endpoint') }),
  z.object({ ...engineShape, kind: z.literal('process'), process: processSchema }),
  z.object({ ...engineShape, kind: z.literal('container'), container: z.string(), hostSeenAs: z.string() }),
]);
export type EngineRecord = z.infer<typeof engineRecordSchema>;

export const cloudsRecordSchema = z.object({
  url: z.url(),
  simKey: z.string().min(1),
  process: processSchema,
  config: z.string().optional(),
});
export type CloudsRecord = z.infer<typeof cloudsRecordSchema>;

/** Outputs of the CloudFormation stack. The schema names only the outputs that the local stack itself needs. */
export const outputsSchema = z
  .object({ ApiUrl: z.url(), DeploymentId: z.string(), AccessTable: z.string() })
  .catchall(z.string());
export type Outputs = z.infer<typeof outputsSchema>;

/** The latest deployment to an engine: the hash of its sources, and its outputs. */
export const deployedRecordSchema = z.object({
  engineUrl: z.url(),
  sources: z.string(),
  outputs: outputsSchema,
});
export type DeployedRecord = z.infer<typeof deployedRecordSchema>;

/** The result of `up`. The command line reads it to find the API. */
export const localStackSchema = z.object({
  apiUrl: z.url(),
  apiKey: z.string(),
  simUrl: z.url(),
  /** The key of the simulated clouds' control API. */
  simKey: z.string(),
  engineUrl: z.url(),
  /** The key that signs requests to the engine. */
  engineAccessKeyId: z.string(),
  engineSecretAccessKey: z.string(),
  namespace: z.literal('default'),
});
export type LocalStack = z.infer<typeof localStackSchema>;

/** The engine's address, and the key for its requests. */
export type EngineAccess = Pick<LocalStack, 'engineUrl' | 'engineAccessKeyId' | 'engineSecretAccessKey'>;
/** The simulated clouds' address, and the key of their control API. */
export type SimAccess = Pick<LocalStack, 'simUrl' | 'simKey'>;

export const RECORDS = {
  engine: 'engine.json',
  clouds: 'clouds.json',
  deployed: 'deployed.json',
  context: 'context.json',
} as const;
