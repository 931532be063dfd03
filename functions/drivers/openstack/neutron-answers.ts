import * as z from 'zod';

/**
 * Fields that networks, routers and security groups have in common. If a field is null or absent, the cloud's Neutron
 * does not store it.
 */
const resourceShape = {
  id: z.string().min(1),
  name: z.string(),
  description: z
    .string()
    .nullish()
    .transform((text) => text ?? ''),
  created_at: z.iso.datetime().optional(),
};

export const networkSchema = z.object(resourceShape);
export const externalNetworkSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  status: z.string(),
  is_default: z.boolean().nullish(),
});
export const subnetSchema = z.object({ id: z.string().min(1), cidr: z.string() });
export const portSchema = z.object({
  id: z.string().min(1),
  name: z
    .string()
    .nullish()
    .transform((text) => text ?? ''),
  description: z
    .string()
    .nullish()
    .transform((text) => text ?? ''),
  device_owner: z.string(),
  device_id: z.string(),
  fixed_ips: z.array(z.object({ subnet_id: z.string() })),
});
export const routerSchema = z.object(resourceShape);
export const ruleSchema = z.object({
  id: z.string(),
  direction: z.string(),
  ethertype: z.string().nullish(),
  protocol: z.string().nullish(),
  port_range_min: z.number().nullish(),
  port_range_max: z.number().nullish(),
  remote_ip_prefix: z.string().nullish(),
  remote_group_id: z.string().nullish(),
});
export const securityGroupSchema = z.object({
  ...resourceShape,
  security_group_rules: z.array(ruleSchema).default([]),
});

export type Resource = z.output<typeof networkSchema>;
export type Port = z.output<typeof portSchema>;
export type SecurityGroup = z.output<typeof securityGroupSchema>;
