/** https://docs.docker.com/reference/dockerfile/ */
export const INSTRUCTIONS = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const;

export const FLAGS: Readonly<Record<string, readonly string[]>> = {
  ADD: ['--checksum=', '--chmod=', '--chown=', '--exclude=', '--keep-git-dir', '--link'],
  COPY: ['--chmod=', '--chown=', '--exclude=', '--from=', '--link', '--parents'],
  FROM: ['--platform='],
  HEALTHCHECK: ['--interval=', '--retries=', '--start-interval=', '--start-period=', '--timeout='],
  RUN: [
    '--mount=type=bind,',
    '--mount=type=cache,target=',
    '--mount=type=secret,id=',
    '--mount=type=ssh',
    '--mount=type=tmpfs,target=',
    '--network=default',
    '--network=host',
    '--network=none',
  ],
};
