import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { resolveCdiDevices } from './cdi.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'gantry-cdi-'));
afterAll(() => rmSync(directory, { recursive: true }));

writeFileSync(
  path.join(directory, 'vendor.yaml'),
  `cdiVersion: 0.6.0
kind: vendor.com/gpu
devices:
  - name: "0"
    containerEdits:
      deviceNodes:
        - path: /dev/gpu0
          hostPath: /dev/null
          permissions: rw
  - name: hooked
    containerEdits:
      hooks: [{hookName: createContainer, path: /bin/sh}]
containerEdits:
  env: [VENDOR=1]
  mounts: [{hostPath: /etc/hostname, containerPath: /vendor, options: [ro, nosuid]}]
  additionalGids: [0, 44]
`,
);
writeFileSync(path.join(directory, 'broken.json'), '{');

describe('devices of the Container Device Interface', () => {
  test('bring their nodes, and what their file adds once', () => {
    expect(resolveCdiDevices(['vendor.com/gpu=0', 'vendor.com/gpu=0'], [directory])).toMatchObject({
      env: ['VENDOR=1'],
      deviceNodes: [{ path: '/dev/gpu0', hostPath: '/dev/null', permissions: 'rw' }, {}],
      mounts: [{ hostPath: '/etc/hostname', containerPath: '/vendor', options: ['ro', 'nosuid'] }],
      additionalGroups: ['44'],
    });
  });

  test("that nobody describes, or that want to run something, are refused with Docker's words", () => {
    expect(() => resolveCdiDevices(['vendor.com/gpu=1', 'x'], [directory, '/does/not/exist'])).toThrow(
      'CDI device injection failed: unresolvable CDI devices vendor.com/gpu=1, x',
    );
    expect(() => resolveCdiDevices(['vendor.com/gpu=hooked'], [directory])).toThrow(
      'hooks of vendor.com/gpu=hooked',
    );
  });
});
