const LARGEST = 9.99e125;
const SMALLEST = 1e-130;
const MAX_ITEM_BYTES = 400 * 1_024;
const MAX_KEY_BYTES = { pk: 2_048, sk: 1_024 };

/** DynamoDB's error for a request with values that cannot be stored. */
export class ValidationException extends Error {
  override readonly name = 'ValidationException';
}

/**
 * Asserts that DynamoDB would store a value unchanged. The tests' tables in memory do not check this.
 *
 * @throws ValidationException if DynamoDB would refuse or change the value
 */
export function assertStorable(value: unknown, field = ''): void {
  if (typeof value === 'number') assertNumber(value, field);
  else if (typeof value === 'string') assertText(value, field);
  else if (Array.isArray(value)) for (const item of value) assertStorable(item, field);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      assertText(name, field);
      if (name === '') throw new ValidationException(`${field}: an empty name`);
      assertStorable(member, name);
    }
    if (field === 'Item' && Buffer.byteLength(JSON.stringify(value)) > MAX_ITEM_BYTES) {
      throw new ValidationException('Item size has exceeded the maximum allowed size');
    }
  }
}

function assertNumber(value: number, field: string): void {
  const size = Math.abs(value);
  if (value === 0 || (size >= SMALLEST && size <= LARGEST)) return;
  throw new ValidationException(`${field}: the number ${value} is out of range`);
}

function assertText(text: string, field: string): void {
  if (!text.isWellFormed()) throw new ValidationException(`${field}: not UTF-8`);
  if (field !== 'pk' && field !== 'sk') return;
  if (text === '' || Buffer.byteLength(text) > MAX_KEY_BYTES[field]) {
    throw new ValidationException(`${field}: a key of ${Buffer.byteLength(text)} bytes`);
  }
}
