import { checkReferences } from './check.ts';
import type { Diagnostic, Report } from './diagnostics.ts';
import { parseComposeDocument } from './document.ts';
import { interpolateTree, type Variables } from './interpolate.ts';
import type { ComposeModel, NetworkModel, VolumeModel } from './model.ts';
import { boolean, fields, listOf, mappingOf, oneOf, plainMap, text, type Read } from './readers.ts';
import { readService } from './services.ts';

interface LoadOptions {
  project: string;
  /** Relative binds are taken from here. */
  projectDirectory: string;
  variables: Variables;
}

interface LoadedCompose {
  /** undefined when there is an error. */
  model: ComposeModel | undefined;
  diagnostics: Diagnostic[];
}

const ipam = fields(
  {
    driver: oneOf('default'),
    config: listOf(fields({ subnet: text, gateway: text, ip_range: text }, 'aux_addresses')),
  },
  'options',
);

const network = fields(
  {
    name: text,
    external: boolean,
    driver: text,
    driver_opts: plainMap,
    internal: boolean,
    labels: plainMap,
    ipam,
  },
  'attachable enable_ipv4 enable_ipv6',
);

const volume = fields({
  name: text,
  external: boolean,
  driver: text,
  driver_opts: plainMap,
  labels: plainMap,
});

/** Parses, interpolates, reads and checks one compose file. Never throws for what the text holds. */
export function loadCompose(source: string, options: LoadOptions): LoadedCompose {
  const document = parseComposeDocument(source);
  const { report } = document;
  const model = document.value === undefined ? undefined : readModel(document.value, options, report);
  if (model) checkReferences(model, report);
  const diagnostics = document.diagnostics();
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  return { model: failed ? undefined : model, diagnostics };
}

function readModel(value: unknown, options: LoadOptions, report: Report): ComposeModel | undefined {
  const obsolete: Read<string> = (_, path) => {
    report.warning(path, 'version is obsolete and has no effect', 'key');
    return undefined;
  };
  const read = fields(
    {
      name: text,
      version: obsolete,
      services: mappingOf(readService(options.projectDirectory, options.variables)),
      networks: mappingOf(network),
      volumes: mappingOf(volume),
    },
    'configs include models secrets',
  );
  const file = read(interpolateTree(value, options.variables, report), [], report);
  if (!file) return undefined;
  const { project } = options;
  if (file.name !== undefined && file.name !== project) {
    report.error(['name'], `the file's name is ${JSON.stringify(file.name)}, but the project is ${project}`);
  }
  if (!file.services?.size) report.error(['services'], 'the file has no services');
  const services = file.services ?? new Map<string, never>();
  const networks = new Map(
    [...(file.networks ?? [])].map(([key, raw]) => [key, toNetwork(project, key, raw)]),
  );
  const usesDefault = [...services.values()].some((service) => service.networks.has('default'));
  if (usesDefault && !networks.has('default')) networks.set('default', toNetwork(project, 'default', {}));
  const volumes = new Map([...(file.volumes ?? [])].map(([key, raw]) => [key, toVolume(project, key, raw)]));
  return { project, services, networks, volumes };
}

function toNetwork(project: string, key: string, raw: NonNullable<ReturnType<typeof network>>): NetworkModel {
  const external = raw.external ?? false;
  return {
    name: raw.name ?? (external ? key : `${project}_${key}`),
    external,
    driver: raw.driver ?? 'bridge',
    driverOptions: raw.driver_opts ?? {},
    internal: raw.internal ?? false,
    labels: raw.labels ?? {},
    ipam: (raw.ipam?.config ?? []).map(({ subnet, gateway, ip_range: ipRange }) => ({
      subnet,
      gateway,
      ipRange,
    })),
  };
}

function toVolume(project: string, key: string, raw: NonNullable<ReturnType<typeof volume>>): VolumeModel {
  const external = raw.external ?? false;
  return {
    name: raw.name ?? (external ? key : `${project}_${key}`),
    external,
    driver: raw.driver ?? 'local',
    driverOptions: raw.driver_opts ?? {},
    labels: raw.labels ?? {},
  };
}
