import { hostname } from 'node:os';
import type { SentEntry } from './sender.ts';

export type SyslogFormat = '' | 'rfc3164' | 'rfc5424' | 'rfc5424micro';

const SEVERITY = { stdout: 6, stderr: 3 } as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (number: number): string => String(number).padStart(2, '0');

interface Heading {
  format: SyslogFormat;
  facility: number;
  tag: string;
}

/**
 * One message, ended by a newline, with the time of the entry. '' is what local daemons expect: RFC 3164 without the
 * host. The tag is also the application's name of RFC 5424, since rsyslog makes its syslogtag of that.
 */
export function syslogMessage({ format, facility, tag }: Heading, entry: SentEntry): Buffer {
  const priority = `<${facility * 8 + SEVERITY[entry.stream]}>`;
  const moment = new Date(Number(entry.timeNs / 1_000_000n));
  const { pid } = process;
  let head: string;
  if (format === '') head = `${priority}${stamp(moment)} ${tag}[${pid}]: `;
  else if (format === 'rfc3164') head = `${priority}${stamp(moment)} ${hostname()} ${tag}[${pid}]: `;
  else {
    const micros = format === 'rfc5424micro' ? Number((entry.timeNs / 1000n) % 1_000_000n) : undefined;
    head = `${priority}1 ${isoLocal(moment, micros)} ${hostname()} ${tag} ${pid} ${tag} - `;
  }
  return Buffer.concat([Buffer.from(head), entry.text, NEWLINE]);
}

const NEWLINE = Buffer.from('\n');

/** RFC 5425: messages over TLS are preceded by their length. */
export function withLength(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** Go's time.Stamp, `Jan _2 15:04:05`, in local time. */
function stamp(moment: Date): string {
  const day = String(moment.getDate()).padStart(2, ' ');
  return `${MONTHS[moment.getMonth()]} ${day} ${clock(moment)}`;
}

/** RFC 3339 with the local offset, and microseconds if given. */
function isoLocal(moment: Date, micros: number | undefined): string {
  const date = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  const fraction = micros === undefined ? '' : `.${String(micros).padStart(6, '0')}`;
  const offset = -moment.getTimezoneOffset();
  const distance = Math.abs(offset);
  const zone =
    offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.floor(distance / 60))}:${two(distance % 60)}`;
  return `${date}T${clock(moment)}${fraction}${zone}`;
}

function clock(moment: Date): string {
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}
