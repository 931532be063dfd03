import * as z from 'zod';

/**
 * Schemas of the body fields that the double reads. `description.ts` checks that a body follows CB-Spider's
 * published description.
 */
const text = z.string().min(1);
const mode = z.enum(['ON', 'OFF']).optional();
const keyValue = z.object({ Key: text, Value: z.string().default('') });

export const connectionSchema = z.object({ ConnectionName: text });

export const driverSchema = z.object({ DriverName: text, ProviderName: text, DriverLibFileName: text });
export const credentialSchema = z.object({
  CredentialName: text,
  ProviderName: text,
  KeyValueInfoList: z.array(keyValue),
});
export const regionSchema = z.object({
  RegionName: text,
  ProviderName: text,
  KeyValueInfoList: z.array(keyValue),
  AvailableZoneList: z.array(z.string()),
});
export const configSchema = z.object({
  ConfigName: text,
  ProviderName: text,
  DriverName: text,
  CredentialName: text,
  RegionName: text,
});

function ofConnection<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object({
    ConnectionName: text,
    IDTransformMode: mode,
    ReqInfo: z.object({ Name: text, ...shape }),
  });
}

const subnet = { IPv4_CIDR: text, Zone: z.string().optional() };
export const vpcSchema = ofConnection({
  IPv4_CIDR: text,
  SubnetInfoList: z.array(z.object({ Name: text, ...subnet })),
});
export const subnetSchema = ofConnection(subnet);
export const securityGroupSchema = ofConnection({
  VPCName: text,
  SecurityRules: z.array(
    z.object({
      Direction: z.enum(['inbound', 'outbound']),
      IPProtocol: z.enum(['TCP', 'UDP', 'ICMP', 'ALL']),
      FromPort: text,
      ToPort: text,
      CIDR: text.optional(),
    }),
  ),
});
export const keyPairSchema = ofConnection({});
export const machineSchema = ofConnection({
  ImageName: text,
  VMSpecName: text,
  VPCName: text,
  SubnetName: text,
  SecurityGroupNames: z.array(text),
  KeyPairName: text,
});
export type MachineRequest = z.output<typeof machineSchema>;
