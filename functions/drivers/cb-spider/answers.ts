import * as z from 'zod';

/**
 * Makes the schema of a list in CB-Spider's answers. CB-Spider sends some empty lists as `null`. All schemas in this
 * file follow CB-Spider's published description (`api/swagger.yaml`, Swagger 2.0) and the answers of CB-Spider's mock
 * driver. The schemas ignore unknown fields.
 */
const list = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

/**
 * CB-Spider sends numbers as strings. "-1", "NA" and an empty string mean that the cloud does not report the number.
 */
const numberSchema = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => {
    const number = value === '' ? Number.NaN : Number(value ?? Number.NaN);
    return Number.isFinite(number) && number >= 0 ? number : undefined;
  });

const textSchema = z
  .string()
  .nullish()
  .transform((text) => text || undefined);

const keyValuesSchema = list(z.object({ Key: z.string(), Value: z.string().default('') }));

/** `NameId` is the name given at creation, `SystemId` the cloud's id. */
export const iidSchema = z.object({ NameId: z.string(), SystemId: z.string() });

/** Schema for calls whose answer is not used. */
export const anyAnswerSchema = z.unknown();

export const machineSchema = z.object({
  IId: iidSchema,
  StartTime: textSchema,
  Region: z.object({ Region: textSchema, Zone: textSchema }).nullish(),
  VMSpecName: textSchema,
  PublicIP: textSchema,
  PrivateIP: textSchema,
  KeyValueList: keyValuesSchema,
});
export type MachineAnswer = z.output<typeof machineSchema>;

export const allMachinesSchema = z.object({
  AllListInfo: z.object({ MappedInfoList: list(machineSchema), OnlyCSPInfoList: list(machineSchema) }),
});

export const statusSchema = z.object({ Status: z.string() });
export const statusesSchema = z.object({
  vmstatus: list(z.object({ IId: iidSchema, VmStatus: z.string() })),
});

export const allResourcesSchema = z.object({
  AllList: z.object({
    MappedList: list(iidSchema),
    OnlySpiderList: list(iidSchema),
    OnlyCSPList: list(iidSchema),
  }),
});

export const resultSchema = z.object({ Result: z.string() });

export const vpcSchema = z.object({
  IId: iidSchema,
  SubnetInfoList: list(z.object({ IId: iidSchema, IPv4_CIDR: z.string(), Zone: textSchema })),
});
export type VpcAnswer = z.output<typeof vpcSchema>;

export const securityGroupSchema = z.object({ IId: iidSchema, VpcIID: iidSchema });
export type SecurityGroupAnswer = z.output<typeof securityGroupSchema>;

export const regionZoneSchema = z.object({
  Name: z.string(),
  DisplayName: textSchema,
  ZoneList: list(z.object({ Name: z.string(), Status: z.string() })),
});
export const regionZonesSchema = z.object({ regionzone: list(regionZoneSchema) });
export type RegionZoneAnswer = z.output<typeof regionZoneSchema>;

export const regionSchema = z.object({
  RegionName: z.string(),
  KeyValueInfoList: keyValuesSchema,
  AvailableZoneList: list(z.string()),
});
export const connectionConfigSchema = z.object({
  ProviderName: z.string(),
  DriverName: z.string(),
  CredentialName: z.string(),
  RegionName: z.string(),
});

export const specSchema = z.object({
  Name: z.string(),
  VCpu: z.object({ Count: numberSchema }),
  MemSizeMiB: numberSchema,
  Gpu: list(
    z.object({
      Count: numberSchema,
      Mfr: textSchema,
      Model: textSchema,
      MemSizeGB: numberSchema,
      TotalMemSizeGB: numberSchema,
    }),
  ),
  KeyValueList: keyValuesSchema,
});
export const specsSchema = z.object({ vmspec: list(specSchema) });
export type SpecAnswer = z.output<typeof specSchema>;

export const imageSchema = z.object({
  IId: iidSchema,
  Name: textSchema,
  OSArchitecture: textSchema,
  OSPlatform: textSchema,
  OSDistribution: textSchema,
  ImageStatus: textSchema,
});
export const imagesSchema = z.object({ image: list(imageSchema) });
export type ImageAnswer = z.output<typeof imageSchema>;

export const pricesSchema = z.object({
  PriceList: list(
    z.object({
      ProductInfo: z.object({
        VMSpecName: textSchema,
        VMSpecInfo: z.object({ Name: textSchema }).nullish(),
      }),
      PriceInfo: z.object({
        OnDemand: z.object({ Unit: textSchema, Currency: textSchema, Price: numberSchema }).nullish(),
      }),
    }),
  ),
});
export type PricesAnswer = z.output<typeof pricesSchema>;
