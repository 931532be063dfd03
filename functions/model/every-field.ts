/**
 * Requires every field of `T`, with undefined for an absent optional field. When a field is added to `T`, the compiler
 * then reports each object of this type that lacks it.
 */
export type EveryField<T> = { [Field in keyof Required<T>]: T[Field] };
