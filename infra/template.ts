import * as z from 'zod';

const resourceSchema = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
});
export type Resource = z.infer<typeof resourceSchema>;

/** Schema of a CloudFormation template. Parts that are not named here pass unchecked and unchanged. */
export const templateSchema = z.looseObject({
  Resources: z.record(z.string(), resourceSchema),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })).default({}),
});
export type Template = z.infer<typeof templateSchema>;

export function resourcesOf(template: Template, type: string): (readonly [logicalId: string, Resource])[] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

const referenceSchema = z.union([
  z.object({ Ref: z.string() }).transform(({ Ref }) => Ref),
  z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }).transform((value) => value['Fn::GetAtt'][0]),
]);

/** Returns the logical id that a `Ref` or `Fn::GetAtt` points to. Undefined for any other value. */
export function referredId(value: unknown): string | undefined {
  return referenceSchema.safeParse(value).data;
}
