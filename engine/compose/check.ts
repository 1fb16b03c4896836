import { nearestWord, type Path, type Report } from './diagnostics.ts';
import type { ComposeModel, PortModel, ServiceModel } from './model.ts';
import { expandRange } from './ports.ts';

/** What one value cannot tell: names that are not declared, cycles, two holders of one port or name. */
export function checkReferences(model: ComposeModel, report: Report): void {
  for (const [name, service] of model.services) checkService(name, service, model, report);
  checkCycles(model, report);
  checkPorts(model, report);
  checkContainerNames(model, report);
}

function checkService(name: string, service: ServiceModel, model: ComposeModel, report: Report): void {
  const path: Path = ['services', name];
  const undeclared = (at: Path, kind: string, key: string, known: Iterable<string>) => {
    const near = nearestWord(key, known);
    const hint = near ? `, did you mean ${near}?` : '';
    report.error(at, `service ${name} uses the ${kind} ${key}, which the file does not declare${hint}`);
  };
  for (const [index, key] of [...service.networks.keys()].entries()) {
    if (model.networks.has(key)) continue;
    undeclared([...path, 'networks', index], 'network', key, model.networks.keys());
  }
  for (const [index, { type, source }] of service.mounts.entries()) {
    if (type !== 'volume' || source === '' || model.volumes.has(source)) continue;
    undeclared([...path, 'volumes', index], 'volume', source, model.volumes.keys());
  }
  for (const [index, key] of [...service.dependsOn.keys()].entries()) {
    if (!model.services.has(key))
      undeclared([...path, 'depends_on', index], 'service', key, model.services.keys());
  }
  const targets = new Set<string>();
  for (const [index, { target }] of service.mounts.entries()) {
    if (targets.has(target))
      report.error([...path, 'volumes', index], `service ${name} mounts ${target} twice`);
    targets.add(target);
  }
}

/** Services in an order where each comes after what it depends on; what is part of a cycle is left out. */
export function startOrder(model: ComposeModel): string[] {
  const order: string[] = [];
  const placed = new Set<string>();
  for (;;) {
    const ready = [...model.services].filter(
      ([name, service]) => !placed.has(name) && [...service.dependsOn.keys()].every((key) => placed.has(key)),
    );
    if (ready.length === 0) return order;
    for (const [name] of ready) {
      placed.add(name);
      order.push(name);
    }
  }
}

function checkCycles(model: ComposeModel, report: Report): void {
  const seen = new Set<string>();
  const visit = (name: string, trail: string[]): void => {
    const start = trail.indexOf(name);
    if (start !== -1) {
      const cycle = [...trail.slice(start), name].join(' → ');
      report.error(
        ['services', name, 'depends_on'],
        `services depend on each other in a circle: ${cycle}`,
        'key',
      );
      return;
    }
    if (seen.has(name)) return;
    seen.add(name);
    for (const next of model.services.get(name)?.dependsOn.keys() ?? []) visit(next, [...trail, name]);
  };
  for (const name of model.services.keys()) visit(name, []);
}

function checkPorts(model: ComposeModel, report: Report): void {
  const taken: { service: string; host: string; port: PortModel }[] = [];
  for (const [service, { ports }] of model.services) {
    for (const port of ports) {
      // A range for one target takes whatever is free of it: no conflict can be told from the file.
      const hosts = expandRange(port.published) ?? [];
      if (hosts.length !== 1) continue;
      const host = String(hosts[0]);
      const holder = taken.find((other) => other.host === host && overlap(other.port, port));
      if (holder) {
        const where = `${host}/${port.protocol}`;
        report.error(
          ['services', service, 'ports'],
          `port ${where} is published by ${holder.service} and ${service}`,
        );
      }
      taken.push({ service, host, port });
    }
  }
}

function overlap(a: PortModel, b: PortModel): boolean {
  const anyAddress = ['', '0.0.0.0', '::'];
  const sameAddress = a.hostIp === b.hostIp || anyAddress.includes(a.hostIp) || anyAddress.includes(b.hostIp);
  return a.protocol === b.protocol && sameAddress;
}

function checkContainerNames(model: ComposeModel, report: Report): void {
  const holders = new Map<string, string>();
  for (const [service, { containerName }] of model.services) {
    if (containerName === undefined) continue;
    const holder = holders.get(containerName);
    const path = ['services', service, 'container_name'];
    if (holder) report.error(path, `the container name ${containerName} is used by ${holder} and ${service}`);
    holders.set(containerName, service);
  }
}
