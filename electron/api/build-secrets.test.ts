import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readSecrets, readSshAgents } from '../../engine/api/routes/build-secrets.ts';
import { secretHeaders } from './build-secrets.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'gantry-secrets-'));
afterAll(() => rmSync(directory, { recursive: true }));

const noAgent = { sshAgent: false };

test('the engine reads what a file, a variable and typed text give', async () => {
  const file = path.join(directory, 'token');
  writeFileSync(file, 'from a file\n');
  const headers = await secretHeaders(
    {
      secrets: [
        { id: 'file', kind: 'file', value: file },
        { id: 'variable', kind: 'environment', value: 'TOKEN' },
        { id: 'text', kind: 'text', value: 'a;b,c="é"' },
      ],
      sshAgent: true,
    },
    { TOKEN: 'from a variable', SSH_AUTH_SOCK: '/run/user/1/a,b' },
  );
  const secrets = await readSecrets(headers['X-Gantry-Build-Secrets']);
  const texts = [...secrets].map(([id, content]) => [id, Buffer.from(content).toString()]);
  expect(texts).toEqual([
    ['file', 'from a file\n'],
    ['variable', 'from a variable'],
    ['text', 'a;b,c="é"'],
  ]);
  expect([...readSshAgents(headers['X-Gantry-Build-Ssh'])]).toEqual([['default', '/run/user/1/a,b']]);
  expect(await secretHeaders({ secrets: [], sshAgent: false })).toEqual({});
});

test.each([
  [{ kind: 'file' as const, value: path.join(tmpdir(), 'no such file') }, 'secret s: ENOENT'],
  [{ kind: 'file' as const, value: tmpdir() }, 'is no file'],
  [{ kind: 'environment' as const, value: 'NOT_SET' }, 'secret s: NOT_SET is not set'],
  [{ kind: 'text' as const, value: 'x'.repeat(40_000) }, 'more than 32768 bytes together'],
])('%j is refused by name, without its content', async (source, message) => {
  await expect(secretHeaders({ secrets: [{ id: 's', ...source }], ...noAgent }, {})).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: expect.stringContaining(message) as string,
  });
});

test('without an agent none is promised', async () => {
  await expect(secretHeaders({ secrets: [], sshAgent: true }, {})).rejects.toMatchObject({
    message: 'there is no ssh agent: SSH_AUTH_SOCK is not set',
  });
});
