import { describe, expect, test } from 'vitest';
import { keysAt, pathAtLine, valuesAt } from './schema-completion.ts';

const schema = {
  properties: {
    services: { patternProperties: { '^[a-z]+$': { $ref: '#/definitions/service' } } },
    volumes: {},
  },
  definitions: {
    service: {
      properties: {
        image: { type: 'string', description: 'What runs' },
        tty: { type: 'boolean' },
        build: { oneOf: [{ type: 'string' }, { properties: { context: {} } }] },
        restart: { enum: ['no', 'always'] },
      },
    },
  },
};

describe('completion from the schema', () => {
  test('offers the keys of the place, through references and alternatives', () => {
    expect(keysAt(schema, []).map(({ key }) => key)).toEqual(['services', 'volumes']);
    expect(keysAt(schema, ['services', 'web'])[0]).toEqual({ key: 'image', description: 'What runs' });
    expect(keysAt(schema, ['services', 'web', 'build']).map(({ key }) => key)).toEqual(['context']);
    expect(keysAt(schema, ['nowhere', 'web'])).toEqual([]);
  });

  test('offers fixed values', () => {
    expect(valuesAt(schema, ['services', 'web', 'restart'])).toEqual(['no', 'always']);
    expect(valuesAt(schema, ['services', 'web', 'tty'])).toEqual(['true', 'false']);
  });

  test('finds the place by indentation, whatever stands between', () => {
    const lines = [
      'services:',
      '  web:',
      '    image: nginx',
      '    # note',
      '',
      '    ports:',
      '      - "80:80"',
      '    ',
    ];
    expect(pathAtLine(lines, 7, 4)).toEqual(['services', 'web']);
    expect(pathAtLine(lines, 7, 2)).toEqual(['services']);
    expect(pathAtLine(lines, 7, 0)).toEqual([]);
    expect(pathAtLine(lines, 6, 6)).toEqual(['services', 'web', 'ports']);
  });
});
