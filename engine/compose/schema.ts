/**
 * JSON Schema (draft-07) of the supported subset, names as in the compose-spec: the editor completes and explains
 * from it. What it cannot say (references, ranges, cycles) `loadCompose` does.
 */
const text = { type: 'string' };
const texts = { type: 'array', items: text };
const number = { type: ['number', 'string'] };
const flag = { type: ['boolean', 'string'] };
const size = { type: ['string', 'integer'], description: 'Bytes, or a size such as 512m or 2g' };
const textOrTexts = { oneOf: [text, texts] };
const keyValues = {
  oneOf: [texts, { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } }],
};
const extension = { '^x-': {} };

const closed = (description: string, properties: Record<string, object>, required: string[] = []) => ({
  type: ['object', 'null'],
  description,
  properties,
  patternProperties: extension,
  additionalProperties: false,
  ...(required.length > 0 && { required }),
});

const named = (description: string, value: object) => ({
  type: ['object', 'null'],
  description,
  patternProperties: { '^[a-zA-Z0-9._-]+$': value },
  additionalProperties: false,
});

const described = (description: string, schema: object) => ({ ...schema, description });

const port = {
  oneOf: [
    { type: ['string', 'number'], description: '[[HOST_IP:]PUBLISHED:]TARGET[/PROTOCOL]' },
    closed('A published port', {
      target: described('Port in the container', { type: ['integer', 'string'] }),
      published: described('Port or range on the host', { type: ['string', 'integer'] }),
      host_ip: text,
      protocol: { enum: ['tcp', 'udp'] },
      mode: { enum: ['host', 'ingress'] },
      name: text,
    }),
  ],
};

const mount = {
  oneOf: [
    described('[SOURCE:]TARGET[:ro]', text),
    closed('A mount', {
      type: { enum: ['bind', 'volume', 'tmpfs'] },
      source: described('A path on the host or the key of a volume', text),
      target: described('An absolute path in the container', text),
      read_only: flag,
      bind: closed('Options of a bind', { create_host_path: flag }),
      volume: closed('Options of a volume', { nocopy: flag }),
      tmpfs: closed('Options of a tmpfs', { size }),
    }),
  ],
};

const serviceNetworks = {
  oneOf: [texts, named('Networks', closed('An endpoint', { aliases: texts, ipv4_address: text }))],
};

const condition = { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] };
const dependsOn = { oneOf: [texts, named('Services', closed('A dependency', { condition }))] };

const limits = closed('Limits', { cpus: number, memory: size, pids: { type: ['integer', 'string'] } });

const service = closed('A service: one container', {
  image: described('The image to run, for example busybox:latest', text),
  command: described("In place of the image's command", textOrTexts),
  entrypoint: described("In place of the image's entrypoint", textOrTexts),
  environment: described('Environment variables', keyValues),
  ports: described('Published ports', { type: 'array', items: port }),
  expose: described('Ports without publishing them', {
    type: 'array',
    items: { type: ['string', 'number'] },
  }),
  volumes: described('Mounts', { type: 'array', items: mount }),
  network_mode: described('In place of networks', { enum: ['host', 'none', 'bridge'] }),
  networks: described('Networks to join; default: the network "default" of the project', serviceNetworks),
  depends_on: described('Services to start before this one', dependsOn),
  restart: described('When to start again after an exit', {
    type: 'string',
    pattern: '^(no|always|unless-stopped|on-failure(:[0-9]+)?)$',
    examples: ['no', 'always', 'unless-stopped', 'on-failure:3'],
  }),
  labels: described('Labels of the container', keyValues),
  container_name: described('In place of project-service-1', text),
  working_dir: described('Working directory in the container', text),
  user: described('User (name or uid), and optionally :group', text),
  hostname: text,
  tty: described('Give the container a terminal', flag),
  stdin_open: described('Keep standard input open', flag),
  privileged: described('All capabilities and devices: no isolation', flag),
  read_only: described('Mount the root file system read-only', flag),
  tmpfs: described('Paths of temporary file systems', textOrTexts),
  cap_add: described('Capabilities to add', texts),
  cap_drop: described('Capabilities to drop', texts),
  extra_hosts: described('More lines of /etc/hosts, host:ip', keyValues),
  dns: described('DNS servers', textOrTexts),
  mem_limit: size,
  cpus: described('CPUs to use at most, for example 0.5', number),
  pids_limit: described('Processes at most', { type: ['integer', 'string'] }),
  deploy: closed('Resource limits', { resources: closed('Resources', { limits }) }),
});

const network = closed('A network', {
  name: described('In place of project_key', text),
  external: described('Exists already, and is never removed', flag),
  driver: text,
  driver_opts: keyValues,
  internal: described('Without a way out', flag),
  labels: keyValues,
  ipam: closed('Addresses', {
    driver: { enum: ['default'] },
    config: { type: 'array', items: closed('A pool', { subnet: text, gateway: text, ip_range: text }) },
  }),
});

const volume = closed('A volume', {
  name: described('In place of project_key', text),
  external: described('Exists already, and is never removed', flag),
  driver: text,
  driver_opts: keyValues,
  labels: keyValues,
});

export const composeSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Compose file',
  ...closed(
    'The subset of the compose-spec that Gantry supports',
    {
      name: described("The project's name", text),
      version: described('Obsolete, without effect', text),
      services: named('Services', service),
      networks: named('Networks', network),
      volumes: named('Volumes', volume),
    },
    ['services'],
  ),
};
