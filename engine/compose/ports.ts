import { isIP } from 'node:net';
import { isObject } from '../lib/field-types.ts';
import { pathText } from './diagnostics.ts';
import type { PortModel } from './model.ts';
import { fields, integer, mismatch, oneOf, text, type Read } from './readers.ts';

const SHORT = /^(?:(?:(\[[^\]]+\]|[0-9.]+):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:\/(tcp|udp))?$/;

/** `[[HOST_IP:]PUBLISHED:]TARGET[/PROTOCOL]`, with ranges of the same length on both sides, or the long form. */
export const port: Read<PortModel[]> = (value, path, report) => {
  if (isObject(value)) {
    const model = longPort(value, path, report);
    return model && [model];
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    return mismatch(value, path, report, 'a port such as "8080:80"');
  }
  const match = SHORT.exec(String(value));
  const fail = (reason: string) => {
    report.error(path, `${pathText(path)}: ${JSON.stringify(value)} ${reason}`);
    return undefined;
  };
  if (!match) return fail('is no port: write "8080:80", "127.0.0.1:8080:80" or "53:53/udp"');
  const [, address = '', published = '', target = '', protocol] = match;
  const hostIp = address.replace(/^\[|\]$/g, '');
  if (hostIp !== '' && isIP(hostIp) === 0) return fail('has an invalid host address');
  const targets = expandRange(target);
  const hosts = published === '' ? undefined : expandRange(published);
  if (!targets || (published !== '' && !hosts)) return fail('is out of the range 1 to 65535');
  if (hosts && targets.length > 1 && hosts.length !== targets.length)
    return fail('has ranges of unequal length');
  return targets.map((number, index) => ({
    hostIp,
    // A range for one target: the engine takes the first free port of it.
    published: hosts === undefined ? '' : targets.length === 1 ? published : String(hosts[index]),
    target: number,
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
  }));
};

const publishedPort: Read<string> = (value, path, report) =>
  typeof value === 'number' ? String(value) : text(value, path, report);

const long = fields(
  {
    target: integer,
    published: publishedPort,
    host_ip: text,
    protocol: oneOf('tcp', 'udp'),
    mode: oneOf('host', 'ingress'),
    name: text,
  },
  'app_protocol',
);

const longPort: Read<PortModel> = (value, path, report) => {
  const port = long(value, path, report);
  if (!port) return undefined;
  const { target, published = '', host_ip: hostIp = '', protocol = 'tcp' } = port;
  if (target === undefined || !expandRange(String(target))) {
    report.error(path, `${pathText(path)} needs a target between 1 and 65535`);
    return undefined;
  }
  if (published !== '' && !expandRange(published)) {
    report.error([...path, 'published'], `${pathText(path)}.published is no port or range`);
    return undefined;
  }
  if (hostIp !== '' && isIP(hostIp) === 0)
    report.error([...path, 'host_ip'], `invalid host address ${hostIp}`);
  return { hostIp, published, target, protocol };
};

/** `80` → [80], `80-82` → [80, 81, 82]; undefined for what is no port. */
export function expandRange(range: string): number[] | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(range);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first < 1 || last > 65535 || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
