import { writeFileSync } from 'node:fs';
import { fleetJsonSchema } from './shell/fleet-json-schema.ts';

const target = new URL('../docs/fleet.schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(fleetJsonSchema(), null, 2)}\n`);
