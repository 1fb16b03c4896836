import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

const STARTER = path.resolve('build/starter/busybox.tar');

describe('a client that hangs up', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine.stop());

  test('in the middle of a load leaves nothing half-made', async () => {
    const archive = readFileSync(STARTER);
    const headers = { 'Content-Type': 'application/x-tar', 'Content-Length': archive.length };
    const upload = request({ socketPath: engine.socketPath, method: 'POST', path: '/images/load', headers });
    upload.on('error', () => undefined);
    await new Promise<void>((resolve) => {
      upload.write(archive.subarray(0, archive.length / 2), () => resolve());
    });
    upload.destroy();
    await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'tmp/images'))).toEqual([]);
    expect(await engine.dockerOk('images', '-q')).not.toContain('\n');
    await engine.dockerOk('load', '-i', STARTER);
  });

  test('leaves what it followed running', async () => {
    await engine.dockerOk('run', '-d', '--name', 'talker', 'busybox', 'sh', '-c', 'while echo x; do :; done');
    for (const target of [
      '/containers/talker/logs?follow=1&stdout=1',
      '/containers/talker/attach?stream=1&stdout=1',
      '/containers/talker/stats',
      '/events',
    ]) {
      const socket = createConnection(engine.socketPath);
      socket.write(`${target.includes('attach') ? 'POST' : 'GET'} ${target} HTTP/1.1\r\nHost: d\r\n\r\n`);
      await once(socket, 'data');
      socket.destroy();
    }
    expect(await engine.dockerOk('inspect', 'talker', '--format', '{{.State.Running}}')).toBe('true');
    await engine.dockerOk('rm', '-f', 'talker');
  });

  test('a WebSocket attaches both ways', async () => {
    await engine.dockerOk('create', '-i', '--name', 'cat', 'busybox', 'cat');
    await engine.dockerOk('start', 'cat');
    const query = 'stream=1&stdin=1&stdout=1';
    const client = new WebSocket(`ws+unix:${engine.socketPath}:/v1.43/containers/cat/attach/ws?${query}`);
    await once(client, 'open');
    client.send('over the socket\n');
    const [message] = (await once(client, 'message')) as [Buffer];
    expect(message.toString()).toContain('over the socket');
    client.terminate();
    await engine.dockerOk('rm', '-f', 'cat');
  });
});

describe('a full disk', () => {
  let engine: TestEngine;
  const disk = mkdtempSync(path.join(os.tmpdir(), 'gantry-disk-'));
  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=755', 'gantry-test', disk]);
    engine = await startEngine({ dataRoot: path.join(disk, 'data') });
  });
  afterAll(async () => {
    try {
      await engine.stop();
    } finally {
      execFileSync('umount', [disk]);
      rmdirSync(disk);
    }
  });

  test('is said, hurts nobody else and is over when there is room again', async () => {
    await engine.dockerOk('run', '-d', '--name', 'filler', 'busybox', 'sleep', '1000');
    const full = await engine.docker('exec', 'filler', 'dd', 'if=/dev/zero', 'of=/fill', 'bs=64k');
    expect(full.stderr).toContain('No space left on device');

    const created = await engine.api<{ message: string }>('POST', '/containers/create', { Image: 'busybox' });
    expect(created.status).toBeGreaterThanOrEqual(500);
    expect(created.json.message).toMatch(/no space left on device/i);
    expect(await engine.dockerOk('ps', '-a', '--format', '{{.Names}}')).toBe('filler');
    const load = await engine.docker('load', '-i', STARTER);
    expect(load).toMatchObject({ code: 1, stderr: expect.stringMatching(/no space left on device/i) });
    await expect.poll(() => readdirSync(path.join(engine.dataRoot, 'tmp/images'))).toEqual([]);

    await engine.dockerOk('rm', '-f', 'filler');
    expect(await engine.dockerOk('run', '--rm', 'busybox', 'echo', 'room')).toBe('room');
  });
});
