/**
 * A `T` with each of its fields spelled out, the optional ones as undefined where they are absent: a field that is added
 * to `T` later is an error of types where such an object is made, and is not left out unnoticed.
 */
export type EveryField<T> = { [Field in keyof Required<T>]: T[Field] };
