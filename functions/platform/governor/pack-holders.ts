import * as z from 'zod';
import { instanceId, parseInstanceId } from '../../model/identifiers.ts';

const RADIX = 36;

/**
 * Stored form of slot holders: one text for each fleet, with the holders' positions (numbers in the fleet) and start
 * times relative to `fromMs`. In this form, a write of a thousand holders costs eight write units instead of thirty.
 */
const packedSchema = z.object({
  fromMs: z.number(),
  fleets: z.record(z.string(), z.string()),
});
type Packed = z.infer<typeof packedSchema>;

/** Maps the id of each slot holder to the time from which its create call may go out, in whole milliseconds. */
export const holdersSchema = z.codec(packedSchema, z.record(z.string(), z.number()), {
  decode: unpackHolders,
  encode: packHolders,
});

/** Packs holders by fleet. @throws RangeError if a key is not an instance id */
function packHolders(holders: Record<string, number>): Packed {
  const entries = Object.entries(holders);
  const fromMs = entries.reduce(
    (least, [, atMs]) => Math.min(least, Math.ceil(atMs)),
    Number.MAX_SAFE_INTEGER,
  );
  const byFleet = Map.groupBy(entries, ([id]) => refOf(id).fleetId);
  const fleets = [...byFleet].map(([fleetId, ofFleet]) => {
    const parts = ofFleet.map(([id, atMs]) => {
      const position = refOf(id).index.toString(RADIX);
      return `${position}.${(Math.ceil(atMs) - fromMs).toString(RADIX)}`;
    });
    return [fleetId, parts.join(' ')] as const;
  });
  return { fromMs, fleets: Object.fromEntries(fleets) };
}

function unpackHolders({ fromMs, fleets }: Packed): Record<string, number> {
  const entries = Object.entries(fleets).flatMap(([fleetId, text]) =>
    text.split(' ').map((part): [string, number] => {
      const [position = '', afterMs = ''] = part.split('.');
      const index = Number.parseInt(position, RADIX);
      return [instanceId({ fleetId, index }), fromMs + Number.parseInt(afterMs, RADIX)];
    }),
  );
  return Object.fromEntries(entries);
}

function refOf(id: string) {
  const ref = parseInstanceId(id);
  if (!ref) throw new RangeError(`not an instance id: ${id}`);
  return ref;
}
