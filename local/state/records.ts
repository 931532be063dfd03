import { z } from 'zod';
import { processSchema } from './processes.ts';

/** What `up` started, or found, so that the next call finds it again. */
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
  /** Opens the control API of the simulated clouds. */
  simKey: z.string(),
  engineUrl: z.url(),
  /** What requests to the engine are signed with. */
  engineAccessKeyId: z.string(),
  engineSecretAccessKey: z.string(),
  namespace: z.literal('default'),
});
export type LocalStack = z.infer<typeof localStackSchema>;

/** Where the engine is, and what it takes requests by. */
export type EngineAccess = Pick<LocalStack, 'engineUrl' | 'engineAccessKeyId' | 'engineSecretAccessKey'>;
/** Where the simulated clouds are, and what their control API takes requests by. */
export type SimAccess = Pick<LocalStack, 'simUrl' | 'simKey'>;

export const RECORDS = {
  engine: 'engine.json',
  clouds: 'clouds.json',
  deployed: 'deployed.json',
  context: 'context.json',
} as const;
