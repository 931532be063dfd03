import * as z from 'zod';
import { ingressEntrySchema } from '../../functions/model/ingress.ts';

const SHAPE = /^(tcp|udp) +(\S+) +(\S+)$|^(icmp) +(\S+)$/;
const FORM = 'must be PROTOCOL PORTS SOURCES, such as "tcp 443,8000-8100 203.0.113.0/24", or "icmp SOURCES"';

/** Reads the values of `--ingress`: protocol, ports and sources, separated by spaces; lists separated by commas. */
export const ingressInput = z
  .array(
    z
      .string()
      .regex(SHAPE, FORM)
      .transform((text) => {
        const [, protocol, ports, from, icmp, fromIcmp] = SHAPE.exec(text) ?? [];
        return {
          protocol: protocol ?? icmp,
          ...(ports === undefined ? {} : { ports: ports.split(',').map(portOf) }),
          from: (from ?? fromIcmp ?? '').split(','),
        };
      })
      .pipe(ingressEntrySchema),
  )
  .default([]);

const portOf = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);
