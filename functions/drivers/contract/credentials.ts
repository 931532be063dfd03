import * as z from 'zod';
import { MAX_SECRET_BYTES } from '../../model/connection.ts';
import { DriverError } from './errors.ts';
import type { CredentialField, DriverMetadata } from './metadata.ts';

type Fields = Readonly<Record<string, string>>;

/** Caches each driver's schema, because making a schema takes longer than checking a credential with it. */
const schemas = new WeakMap<object, ReturnType<typeof makeSchema>>();

/**
 * Returns the schema of a driver's credential, made from the driver's `credentialFields`. If a field is wrong or
 * missing, the schema's issue names the field. No issue contains a value of the credential. The issue of a missing
 * field contains the field's description.
 */
export function credentialSchemaOf({ credentialFields }: Pick<DriverMetadata, 'credentialFields'>) {
  const known = schemas.get(credentialFields) ?? makeSchema(credentialFields);
  schemas.set(credentialFields, known);
  return known;
}

function makeSchema(credentialFields: readonly CredentialField[]) {
  const shape = Object.fromEntries(
    credentialFields.map((field) => [field.name, valueSchema(field).optional()]),
  );
  return z
    .strictObject(shape)
    .transform((credential) =>
      Object.fromEntries(
        Object.entries(credential).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    )
    .superRefine((credential, context) => {
      const given = new Set(
        credentialFields.flatMap(({ name, alternative }) =>
          alternative !== undefined && name in credential ? [alternative] : [],
        ),
      );
      const known = [...new Set(credentialFields.flatMap(({ alternative }) => alternative ?? []))];
      if (given.size > 1) {
        for (const { name, alternative } of credentialFields) {
          if (alternative === undefined || !(name in credential)) continue;
          context.addIssue({
            code: 'custom',
            path: [name],
            params: { code: 'contradictory' },
            message: `belongs to ${alternative}, but there are also fields of ${[...given].filter((one) => one !== alternative).join(' and ')}: give the fields of one alternative only`,
          });
        }
        return;
      }
      const chosen = [...given][0] ?? (known.length === 1 ? known[0] : undefined);
      if (known.length > 1 && chosen === undefined) {
        context.addIssue({
          code: 'custom',
          params: { code: 'missing' },
          message: `must have the fields of one of these alternatives: ${known.join(', ')}`,
        });
      }
      for (const field of missing(credentialFields, credential, chosen)) {
        context.addIssue({
          code: 'custom',
          path: [field.name],
          params: { code: 'missing' },
          message: `is missing: ${field.description}`,
        });
      }
    });
}

/** Checks a credential. @returns an error for the driver to throw; undefined if the credential is complete and valid */
export function credentialError(
  metadata: Pick<DriverMetadata, 'credentialFields'>,
  credential: Fields,
): DriverError | undefined {
  const { error } = credentialSchemaOf(metadata).safeParse(credential);
  if (!error) return undefined;
  const wrong = error.issues.map(({ path, message }) =>
    path.length === 0 ? `the credential ${message}` : `credential field ${path.join('.')}: ${message}`,
  );
  return new DriverError('InvalidRequest', wrong.join('; '));
}

function valueSchema({ pattern, description }: CredentialField) {
  const value = z.string().min(1).max(MAX_SECRET_BYTES);
  return pattern === undefined
    ? value
    : value.regex(new RegExp(`^(?:${pattern})$`), `does not have the form of this field: ${description}`);
}

function missing(
  fields: readonly CredentialField[],
  credential: Fields,
  chosen: string | undefined,
): CredentialField[] {
  return fields.filter(
    ({ name, required, alternative }) =>
      required && !(name in credential) && (alternative === undefined || alternative === chosen),
  );
}
