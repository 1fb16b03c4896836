import { describe, expect, test } from 'vitest';
import { listProcesses, parsePsOutput, readProcesses, splitArguments } from './list-processes.ts';

describe('top', () => {
  test('keeps the rows of the wanted pids and joins the command', () => {
    const output = 'UID PID CMD\nroot 1 sh -c "x y"\nroot 2 other\n';
    expect(parsePsOutput(output, [1])).toEqual({
      Titles: ['UID', 'PID', 'CMD'],
      Processes: [['root', '1', 'sh -c "x y"']],
    });
  });

  test('keeps the threads of a wanted process and of no other', () => {
    const output = 'PID CMD\n1 a\n- a1\n2 b\n- b1\n';
    expect(parsePsOutput(output, [1]).Processes).toEqual([
      ['1', 'a'],
      ['-', 'a1'],
    ]);
  });

  test('says what Docker says when the PID column is missing', () => {
    expect(() => parsePsOutput('UID CMD\nroot sh\n', [1])).toThrow("Couldn't find PID field in ps output");
    expect(() => parsePsOutput('PID CMD\nx sh\n', [1])).toThrow("Unexpected pid 'x'");
  });

  test('refuses renamed PID columns and characters no option of ps needs', () => {
    expect(splitArguments('aux  --sort=-pcpu')).toEqual(['aux', '--sort=-pcpu']);
    expect(splitArguments('-o pid=PID,cmd')).toEqual(['-o', 'pid=PID,cmd']);
    expect(() => splitArguments('-o ppid=PID')).toThrow('specifying "ppid=PID" is not allowed');
    expect(() => splitArguments('-o pid,uid=PID')).toThrow('specifying "uid=PID" is not allowed');
    for (const text of ['-ef;id', '$(id)', '-ef\0', '`id`', '-C "x"'])
      expect(() => splitArguments(text)).toThrow('invalid ps argument');
  });

  test('shows this very process through ps and through /proc alike', async () => {
    const [fromPs, fromProc] = await Promise.all([
      listProcesses([process.pid]),
      readProcesses([process.pid]),
    ]);
    const cells = ({ Titles, Processes }: typeof fromPs) =>
      ['UID', 'PID', 'PPID', 'CMD'].map((title) => Processes[0]?.[Titles.indexOf(title)]);
    expect(fromProc.Processes).toHaveLength(1);
    expect(cells(fromProc)).toEqual(cells(fromPs));
  });

  test('passes over pids that are gone', async () => {
    expect((await readProcesses([2 ** 30])).Processes).toEqual([]);
  });
});
