/**
 * Requires every field of `T`, with undefined for an absent optional field. If a field is added to `T`, the compiler
 * reports each object of this type that lacks the field.
 */
export type EveryField<T> = { [Field in keyof Required<T>]: T[Field] };
