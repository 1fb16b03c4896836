import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { makeSource } from './source-fixture.ts';
import { expandTag } from './tag.ts';

const expand = (template: string): string => expandTag(template, makeSource('syslog'));

describe('expandTag', () => {
  it.each([
    ['plain', 'plain'],
    ['{{.ID}}', 'ab'.repeat(6)],
    ['{{.FullID}}', 'ab'.repeat(32)],
    ['docker/{{ .Name }}/{{.ImageName}}', 'docker/web/nginx:1'],
    ['{{.ImageID}}', 'cd'.repeat(6)],
    ['{{.ImageFullID}}', `sha256:${'cd'.repeat(32)}`],
    ['{{.Command}}', 'nginx -g daemon off;'],
    ['{{.Hostname}}', hostname()],
    ['{{.ContainerName}} {{.DaemonName}}', '/web docker'],
    ['{{upper .Name}}-{{.Name | title}}', 'WEB-Web'],
    ['{{truncate .ID 3}}', 'aba'],
    ['{{index .ContainerLabels "team"}}|{{index .ContainerLabels "no"}}', 'sea|'],
    ['{{index .ContainerLabels "com.example.tier" | upper}}', 'FRONT'],
    ['{{join .ContainerArgs "+"}}', '-g+daemon off;'],
    ['{{json .Name}}', '"web"'],
    ['a {{- .Name -}} b', 'awebb'],
    ['{{"}"}}', '}'],
  ])('%s', (template, expected) => {
    expect(expand(template)).toBe(expected);
  });

  it.each([
    ['{{.Nope}}', 'template: log-tag:1:3: executing "log-tag" at <.Nope>: can\'t evaluate field Nope'],
    ['{{.Name', 'unclosed action'],
    ['{{}}', 'missing value for command'],
    ['{{shout .Name}}', 'function "shout" not defined'],
    ['{{.Name .ID}}', "can't give argument to non-function .Name"],
  ])('refuses %s', (template, text) => {
    expect(() => expand(template)).toThrow(text);
  });
});
