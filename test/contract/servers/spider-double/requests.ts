import { z } from 'zod';

/**
 * Bodies of requests after CB-Spider's published description (`api/swagger.yaml`, Swagger 2.0, of its repository): a
 * field that is not in it, or lacks where it is required, is refused. CB-Spider itself would let unknown ones pass.
 */
const text = z.string().min(1);
const mode = z.enum(['ON', 'OFF']).optional();
const keyValue = z.strictObject({ Key: text, Value: z.string() });
const tags = z.array(keyValue).optional();

export const connectionSchema = z.strictObject({ ConnectionName: text });

export const driverSchema = z.strictObject({ DriverName: text, ProviderName: text, DriverLibFileName: text });
export const credentialSchema = z.strictObject({
  CredentialName: text,
  ProviderName: text,
  KeyValueInfoList: z.array(keyValue),
});
export const regionSchema = z.strictObject({
  RegionName: text,
  ProviderName: text,
  KeyValueInfoList: z.array(keyValue),
  AvailableZoneList: z.array(z.string()).optional(),
});
export const configSchema = z.strictObject({
  ConfigName: text,
  ProviderName: text,
  DriverName: text,
  CredentialName: text,
  RegionName: text,
});

function ofConnection<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject({
    ConnectionName: text,
    IDTransformMode: mode,
    ReqInfo: z.strictObject({ Name: text, ...shape }),
  });
}

const subnet = { IPv4_CIDR: text, Zone: z.string().optional(), TagList: tags };
export const vpcSchema = ofConnection({
  IPv4_CIDR: text,
  SubnetInfoList: z.array(z.strictObject({ Name: text, ...subnet })),
  TagList: tags,
});
export const subnetSchema = ofConnection(subnet);
export const securityGroupSchema = ofConnection({
  VPCName: text,
  SecurityRules: z.array(
    z.strictObject({
      Direction: z.enum(['inbound', 'outbound']),
      IPProtocol: z.enum(['TCP', 'UDP', 'ICMP', 'ALL']),
      FromPort: text,
      ToPort: text,
      CIDR: text.optional(),
    }),
  ),
  TagList: tags,
});
export const keyPairSchema = ofConnection({ TagList: tags });
export const machineSchema = ofConnection({
  ImageType: z.enum(['PublicImage', 'MyImage']),
  ImageName: text,
  VMSpecName: text,
  VPCName: text,
  SubnetName: text,
  SecurityGroupNames: z.array(text),
  KeyPairName: text,
  RootDiskType: z.string().optional(),
  RootDiskSize: z.string().optional(),
  DataDiskNames: z.array(text).optional(),
  VMUserId: z.string().optional(),
  VMUserPasswd: z.string().optional(),
  TagList: tags,
});
export type MachineRequest = z.output<typeof machineSchema>;
