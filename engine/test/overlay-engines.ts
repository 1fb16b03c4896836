import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { startEngine, type TestEngine } from './harness.ts';
import { joinMachines, type Machine } from './machine-network.ts';

/** Two machines whose engines are each other's peers. */
export interface OverlayMachines {
  machines: [Machine, Machine];
  /** Holds the secret. */
  secretFile: string;
  start: (machine: Machine) => Promise<TestEngine>;
  remove: () => void;
}

/** `tag`: at most 13 characters. */
export function joinOverlayMachines(tag: string): OverlayMachines {
  const { machines, remove } = joinMachines(tag);
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-overlay-'));
  const secretFile = path.join(directory, 'secret');
  writeFileSync(secretFile, 'known to these two engines\n', { mode: 0o600 });
  return {
    machines,
    secretFile,
    start: ({ within, address }) => {
      const peers = machines.flatMap((machine) => ['--overlay-peer', machine.address]);
      const flags = ['--overlay-address', address, ...peers, '--overlay-secret-file', secretFile];
      return startEngine({ within, flags });
    },
    remove: () => {
      remove();
      rmSync(directory, { recursive: true });
    },
  };
}

/** In both directions: what is made on one is asked of the other from now on. */
export async function comeToBeConnected(...engines: TestEngine[]): Promise<void> {
  for (const engine of engines) await expect.poll(() => engine.log().includes('peer connected')).toBe(true);
}

export async function runOn(engine: TestEngine, name: string, ...flags: string[]): Promise<void> {
  await engine.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
}

/** Told to the peer a little after it is true. */
export async function comesToReach(engine: TestEngine, from: string, host: string): Promise<void> {
  const ping = () => engine.docker('exec', from, 'ping', '-c', '1', '-W', '2', host);
  await expect.poll(async () => (await ping()).code).toBe(0);
}
