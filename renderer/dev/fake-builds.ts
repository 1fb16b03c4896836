import type { BuildMessage, BuildSummary, DockerfileStage, MissReason } from '../../electron/api/types.ts';

export const fakeDockerfile = `FROM debian:12 AS compile
RUN apt-get update && apt-get install -y gcc
COPY src /src
RUN make -C /src

FROM busybox
COPY --from=compile /src/app /bin/app
CMD ["app"]
`;

export const fakeStages: DockerfileStage[] = [
  { index: 0, name: 'compile', base: 'debian:12', line: 1, instructions: 3, needs: [] },
  { index: 1, name: '', base: 'busybox', line: 6, instructions: 2, needs: [0] },
];

export function fakeBuilds(): BuildSummary[] {
  const startedAt = Date.now() - 3e6;
  const common = { startedAt, finishedAt: startedAt + 14_200, imageId: '', error: '' };
  return [
    {
      ...common,
      id: '1',
      status: 'done',
      tags: ['shop/web:2026.11', 'shop/web:latest'],
      imageId: 'sha256:1',
    },
    { ...common, id: '2', status: 'failed', tags: ['nightly-report-generator:for-the-european-region'] },
    { ...common, id: '3', status: 'interrupted', tags: [] },
  ];
}

const nothing = { paths: [], more: 0 };
const fakeReason: MissReason = {
  kind: 'files-changed',
  changed: { paths: ['src/main.c', 'src/http.c', 'src/tls.c'], more: 4 },
  added: { paths: ['src/quic.c'], more: 0 },
  removed: nothing,
};

/** With times from `begin` on, half a second for each message; undefined: without times. */
export function fakeBuildLog(begin: number | undefined): BuildMessage[] {
  const sources = fakeDockerfile.split('\n').filter((line) => line !== '');
  const messages = sources.flatMap((source, index): BuildMessage[] => [
    { stream: `Step ${index + 1}/${sources.length} : ${source}\n` },
    ...(index === 1 ? [{ stream: ' ---> Using cache\n' }] : []),
    ...(index === 2 ? [{ gantry: { notCached: fakeReason } }] : []),
    ...(index === 3 ? [{ stream: '\u001B[32mcc\u001B[0m -o app main.c\n' }] : []),
    { stream: ` ---> ${String(index).repeat(12)}\n` },
  ]);
  return messages.map((message, index) =>
    begin === undefined ? message : { ...message, time: begin + index * 500 },
  );
}
