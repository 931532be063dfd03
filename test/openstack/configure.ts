import { dirname } from 'node:path';
import { fileOf } from './packages.ts';
import { type Home, PASSWORD, type Ports, REGION } from './state.ts';

type Sections = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** Name of Nova's only host. The host's driver is a fake that makes no real machines. */
export const HOST = 'fake-host-1';

/** Writes the configuration of each service. All services listen only on 127.0.0.1. */
export function configure(home: Home, ports: Ports): void {
  const database = (name: string) => ({
    connection: `mysql+pymysql://openstack:${PASSWORD}@127.0.0.1:${ports.mariadb}/${name}`,
    max_pool_size: 10,
  });
  const identity = `http://127.0.0.1:${ports.keystone}/v3`;
  const admin = {
    auth_url: identity,
    auth_type: 'password',
    username: 'admin',
    password: PASSWORD,
    project_name: 'admin',
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  };
  const inRegion = { ...admin, region_name: REGION };
  const guarded = {
    keystone_authtoken: {
      ...admin,
      www_authenticate_uri: identity,
      memcached_servers: `127.0.0.1:${ports.memcached}`,
    },
  };
  const bus = `rabbit://guest:guest@127.0.0.1:${ports.rabbitmq}/`;
  const lock = { lock_path: home.at('state', 'lock') };

  const files: Record<string, Sections> = {
    keystone: {
      DEFAULT: { log_file: home.at('log', 'keystone.log') },
      database: database('keystone'),
      token: { provider: 'fernet' },
      fernet_tokens: { key_repository: home.at('state', 'fernet-keys') },
      fernet_receipts: { key_repository: home.at('state', 'fernet-receipts') },
      credential: { key_repository: home.at('state', 'credential-keys') },
      cache: {
        enabled: true,
        backend: 'dogpile.cache.memcached',
        backend_argument: `url:127.0.0.1:${ports.memcached}`,
      },
      identity: { password_hash_rounds: 4 },
    },
    placement: {
      DEFAULT: { log_file: home.at('log', 'placement.log') },
      placement_database: { ...database('placement'), sync_on_startup: false },
      api: { auth_strategy: 'keystone' },
      ...guarded,
    },
    glance: {
      DEFAULT: {
        log_file: home.at('log', 'glance.log'),
        bind_host: '127.0.0.1',
        bind_port: ports.glance,
        workers: 1,
        enabled_backends: 'fs:file',
      },
      database: database('glance'),
      glance_store: { default_backend: 'fs' },
      fs: { filesystem_store_datadir: home.at('images') },
      os_glance_tasks_store: { filesystem_store_datadir: home.at('images') },
      os_glance_staging_store: { filesystem_store_datadir: home.at('images-staging') },
      paste_deploy: {
        flavor: 'keystone',
        config_file: home.unpacked('share/glance-common/glance-api-paste.ini'),
      },
      ...guarded,
    },
    neutron: {
      DEFAULT: {
        log_file: home.at('log', 'neutron.log'),
        bind_host: '127.0.0.1',
        bind_port: ports.neutron,
        core_plugin: 'ml2',
        service_plugins: 'router',
        transport_url: bus,
        api_workers: 2,
        rpc_workers: 1,
        rpc_state_report_workers: 0,
        // The only agent is a database row and never reports. With this value, Neutron does not treat the
        // agent as down.
        agent_down_time: 2_000_000_000,
        state_path: home.at('state'),
        api_paste_config: home.unpacked('share/neutron-common/api-paste.ini'),
        // No service of this cloud handles these notifications.
        dhcp_agent_notification: false,
        network_auto_schedule: false,
        router_auto_schedule: false,
        notify_nova_on_port_status_changes: false,
        notify_nova_on_port_data_changes: false,
      },
      database: database('neutron'),
      oslo_concurrency: lock,
      ml2: {
        type_drivers: 'local,flat,vlan,vxlan',
        tenant_network_types: 'local',
        mechanism_drivers: 'openvswitch',
      },
      quotas: {
        track_quota_usage: false,
        quota_port: -1,
        quota_network: -1,
        quota_subnet: -1,
        quota_router: -1,
        quota_security_group: -1,
        quota_security_group_rule: -1,
      },
      nova: inRegion,
      ...guarded,
    },
    nova: {
      DEFAULT: {
        host: HOST,
        my_ip: '127.0.0.1',
        log_dir: home.at('log'),
        state_path: home.at('state'),
        transport_url: bus,
        enabled_apis: 'osapi_compute',
        osapi_compute_listen: '127.0.0.1',
        osapi_compute_listen_port: ports.nova,
        osapi_compute_workers: 2,
        compute_driver: 'fake.FakeDriver',
        vif_plugging_is_fatal: false,
        vif_plugging_timeout: 0,
        reserved_host_disk_mb: 0,
        reserved_host_memory_mb: 0,
      },
      api: { auth_strategy: 'keystone' },
      wsgi: { api_paste_config: home.unpacked('share/nova-common/api-paste.ini') },
      api_database: database('nova_api'),
      database: database('nova'),
      oslo_concurrency: lock,
      conductor: { workers: 1 },
      scheduler: { workers: 1 },
      filter_scheduler: { enabled_filters: 'ComputeFilter,ImagePropertiesFilter' },
      quota: { instances: 100, cores: 200, ram: 200_000 },
      glance: { api_servers: `http://127.0.0.1:${ports.glance}` },
      placement: inRegion,
      neutron: inRegion,
      service_user: { ...inRegion, send_service_user_token: false },
      ...guarded,
    },
  };
  for (const [name, sections] of Object.entries(files)) home.write(`etc/${name}.conf`, iniOf(sections));
  home.write('etc/rabbitmq-plugins', '[].\n');
  home.write('etc/rabbitmq-env.conf', '');
  home.write(
    'etc/mariadb.cnf',
    iniOf({
      mysqld: {
        basedir: dirname(dirname(fileOf(home, 'sbin/mariadbd'))),
        datadir: home.at('mariadb'),
        socket: home.at('run', 'mariadb.sock'),
        'pid-file': home.at('run', 'mariadb.own-pid'),
        'bind-address': '127.0.0.1',
        port: ports.mariadb,
        max_connections: 500,
        // Durability is not needed, because the data can be created again after a crash.
        innodb_flush_log_at_trx_commit: 0,
        innodb_flush_method: 'nosync',
        innodb_doublewrite: 0,
        innodb_file_per_table: 0,
        sync_frm: 0,
        innodb_buffer_pool_size: '256M',
      },
    }),
  );
}

function iniOf(sections: Sections): string {
  return Object.entries(sections)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key}=${value}`);
      return `[${name}]\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
