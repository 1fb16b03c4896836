import type { ReachQuestion } from '../../../../../electron/api/types.ts';

export interface ReachForm {
  source: string;
  to: 'container' | 'host';
  container: string;
  /** Of a container: another name or address than its own. */
  host: string;
  port: string;
  protocol: 'tcp' | 'udp';
}

export const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 65_535;

/** Undefined while something is missing. */
export function toReachQuestion(form: ReachForm): ReachQuestion | undefined {
  const { source, to, container, protocol } = form;
  const host = form.host.trim();
  const isTarget = to === 'container' ? container !== '' : host !== '';
  if (source === '' || !isTarget || !isPort(form.port)) return undefined;
  return {
    source,
    ...(to === 'container' && { container }),
    ...(host !== '' && { host }),
    port: Number(form.port),
    protocol,
  };
}
