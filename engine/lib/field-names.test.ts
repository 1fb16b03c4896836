import { expect, test } from 'vitest';
import { CREATE_FIELDS } from '../wire/container-fields.ts';
import { spellFields } from './field-names.ts';

test('a field is taken whatever the case of its letters, as Go does', () => {
  expect(
    spellFields(
      {
        image: 'busybox',
        CMD: ['true'],
        hostconfig: {
          memory: 1,
          restartpolicy: { name: 'always' },
          MOUNTS: [{ type: 'volume', volumeoptions: { nocopy: true } }],
          portBindings: { '80/tcp': [{ hostport: '8080' }] },
        },
        networkingconfig: { endpointsconfig: { MyNet: { ipamConfig: { ipv4address: '10.0.0.2' } } } },
      },
      CREATE_FIELDS,
    ),
  ).toEqual({
    Image: 'busybox',
    Cmd: ['true'],
    HostConfig: {
      Memory: 1,
      RestartPolicy: { Name: 'always' },
      Mounts: [{ Type: 'volume', VolumeOptions: { NoCopy: true } }],
      PortBindings: { '80/tcp': [{ HostPort: '8080' }] },
    },
    NetworkingConfig: { EndpointsConfig: { MyNet: { IPAMConfig: { IPv4Address: '10.0.0.2' } } } },
  });
});

test("keys of a client's own maps and unknown names stay as they are", () => {
  const request = {
    Labels: { IMAGE: 'x', memory: 'y' },
    HostConfig: { Sysctls: { a: 'b' }, Odd: 1 },
    odd: {},
  };
  expect(spellFields(request, CREATE_FIELDS)).toEqual(request);
});

test('no name reaches the prototype', () => {
  const spelled = spellFields(JSON.parse('{"__proto__":{"Image":"x"}}'), CREATE_FIELDS) as object;
  expect(Object.getPrototypeOf(spelled)).toBe(Object.prototype);
});
