/** The catalogue without prices, as CB-Spider's mock driver (commit 6459f464) returned it. */
const REGIONS = ['default', 'mercury', 'venus', 'mars', 'jupiter', 'saturn', 'uranus', 'neptune'];

export function regionZone(name: string) {
  if (!REGIONS.includes(name)) return undefined;
  const DisplayName = name.charAt(0).toUpperCase() + name.slice(1);
  return {
    Name: name,
    DisplayName,
    CSPDisplayName: DisplayName,
    ZoneList: [1, 2, 3].map((zone) => ({
      Name: `${name}-z${zone}`,
      DisplayName: `${DisplayName} Zone ${zone}`,
      CSPDisplayName: `${DisplayName} Zone ${zone}`,
      Status: zone === 2 ? 'Unavailable' : 'Available',
    })),
  };
}

export const REGION_ZONES = REGIONS.map((name) => regionZone(name));

const gpus = (Count: string, TotalMemSizeGB: string) => [
  { Count, Mfr: 'NVIDIA', Model: 'V100', MemSizeGB: '512', TotalMemSizeGB },
];
const spec = (n: number, Count: string, ClockGHz: string, MemSizeMiB: string, Gpu?: object[]) => ({
  Region: 'common-region',
  Name: `mock-vmspec-0${n}`,
  VCpu: { Count, ClockGHz },
  MemSizeMiB,
  DiskSizeGB: '-1',
  ...(Gpu ? { Gpu } : {}),
});

export const SPECS = [
  spec(1, '4', '2.7', '32768', gpus('2', '1024')),
  spec(2, '4', '3.2', '32768', gpus('1', '512')),
  spec(3, '8', '2.7', '62464'),
  spec(4, '8', '2.7', '1024'),
];

const image = (
  n: number,
  OSArchitecture: string,
  OSPlatform: string,
  OSDistribution: string,
  OSDiskSizeGB: string,
) => ({
  IId: { NameId: `mock-vmimage-0${n}`, SystemId: `mock-vmimage-0${n}` },
  Name: `mock-vmimage-name-0${n}`,
  OSArchitecture,
  OSPlatform,
  OSDistribution,
  OSDiskType: 'gp3',
  OSDiskSizeGB,
  ImageStatus: 'Available',
});

export const IMAGES = [
  image(1, 'x86_64', 'Linux/UNIX', 'Ubuntu 18.04', '35'),
  image(2, 'arm64', 'Linux/UNIX', 'CentOS 8', '40'),
  image(3, 'x86_64', 'Windows', 'Windows Server 2019', '50'),
  image(4, 'arm64', 'Linux/UNIX', 'Ubuntu 22.04', '35'),
  image(5, 'x86_64', 'Linux/UNIX', 'Amazon Linux 2', '40'),
];

/**
 * Returns prices in CB-Spider's format. The mock driver itself has prices only for instance types that it
 * does not offer.
 */
export function pricesOf(region: string) {
  return {
    Meta: { Version: '0.5', Description: 'Multi-Cloud Price Info' },
    CloudName: 'MOCK',
    RegionName: region,
    PriceList: SPECS.map(({ Name }, index) => ({
      ZoneName: 'NA',
      ProductInfo: { ProductId: Name, VMSpecName: Name },
      PriceInfo: {
        OnDemand: { PricingId: Name, Unit: 'Hour', Currency: 'USD', Price: String((index + 1) / 10) },
      },
    })),
  };
}
