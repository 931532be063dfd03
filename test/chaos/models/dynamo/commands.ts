import * as z from 'zod';
import { type Item, isMap } from './evaluate.ts';

const MAX_TRANSACT_ITEMS = 100;

// Each schema describes a command of the document client, with the fields that the model supports.
export const itemSchema = z.custom<Item>(isMap);
export const keySchema = z.object({ pk: z.string().min(1), sk: z.string().min(1) });
const placeholdersShape = {
  ExpressionAttributeNames: z.custom<Record<string, string>>(isMap).optional(),
  ExpressionAttributeValues: itemSchema.optional(),
};
const conditionShape = { ConditionExpression: z.string().optional(), ...placeholdersShape };
const returnShape = { ReturnValues: z.string().optional() };
const onRefusalShape = { ReturnValuesOnConditionCheckFailure: z.string().optional() };
export const getSchema = z.object({
  TableName: z.string(),
  Key: keySchema,
  ConsistentRead: z.boolean().default(false),
});
export const putSchema = z.object({
  TableName: z.string(),
  Item: itemSchema,
  ...conditionShape,
  ...returnShape,
  ...onRefusalShape,
});
export const updateSchema = z.object({
  TableName: z.string(),
  Key: keySchema,
  UpdateExpression: z.string(),
  ...conditionShape,
  ...returnShape,
  ...onRefusalShape,
});
export const deleteSchema = z.object({
  TableName: z.string(),
  Key: keySchema,
  ...conditionShape,
  ...returnShape,
  ...onRefusalShape,
});
export const querySchema = z.object({
  TableName: z.string(),
  IndexName: z.string().optional(),
  KeyConditionExpression: z.string(),
  FilterExpression: z.string().optional(),
  ...placeholdersShape,
  Limit: z.number().optional(),
  ScanIndexForward: z.boolean().default(true),
  ConsistentRead: z.boolean().default(false),
  ExclusiveStartKey: itemSchema.optional(),
});
export const batchGetSchema = z.object({
  RequestItems: z.record(
    z.string(),
    z.object({ Keys: z.array(keySchema).max(100), ConsistentRead: z.boolean().default(false) }),
  ),
});
export const batchWriteSchema = z.object({
  RequestItems: z.record(
    z.string(),
    z.array(
      z.union([
        z.object({ PutRequest: z.object({ Item: itemSchema }) }),
        z.object({ DeleteRequest: z.object({ Key: keySchema }) }),
      ]),
    ),
  ),
});
export const transactSchema = z.object({
  TransactItems: z
    .array(
      // One object with optional fields, not a union: for a union, zod would build an error for each
      // alternative that does not match.
      z.object({
        Put: putSchema.optional(),
        Update: updateSchema.optional(),
        Delete: deleteSchema.optional(),
        ConditionCheck: deleteSchema.optional(),
      }),
    )
    .max(MAX_TRANSACT_ITEMS),
});

export type Put = z.infer<typeof putSchema>;
export type UpdateInput = z.infer<typeof updateSchema>;
export type Delete = z.infer<typeof deleteSchema>;
export type Query = z.infer<typeof querySchema>;

/** Returns DynamoDB's error for an invalid command. */
export function validation(message: string): Error {
  return Object.assign(new Error(message), { name: 'ValidationException' });
}
