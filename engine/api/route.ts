import type { IncomingMessage } from 'node:http';
import type { Duplex, Writable } from 'node:stream';
import type { FieldNames } from '../lib/field-names.ts';

/** `[major, minor]` negotiated by the path prefix; without one, the newest. */
export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
  atLeast(version: string): boolean;
}

/** Query parameters read by Docker's rules. */
export interface Query {
  string(name: string): string | undefined;
  all(name: string): string[];
  /** Docker's boolean: absent, '', '0', 'no', 'false', 'none' are false, everything else true. */
  boolean(name: string, whenAbsent?: boolean): boolean;
  /** 400 when present and not an integer. */
  integer(name: string): number | undefined;
  /**
   * The `filters` parameter, `{"name": ["v", …]}` or `{"name": {"v": true}}`. 400 `invalid filter 'x'` for a name
   * not in `allowed`; without it, for none.
   */
  filters(allowed?: readonly string[]): Filters;
}

export interface Filters {
  has(name: string): boolean;
  values(name: string): string[];
}

/** Newline-separated JSON values, flushed one by one, with back-pressure. */
export interface JsonLines {
  write(value: unknown): Promise<void>;
  end(): void;
}

export interface Reply {
  json(status: number, value: unknown, headers?: Record<string, string>): void;
  /** Only a status, no body (204, 304, …) */
  empty(status: number, headers?: Record<string, string>): void;
  text(status: number, body: string, headers?: Record<string, string>): void;
  /** Sends the head now and returns the body to write or pipe into. */
  stream(status: number, headers: Record<string, string>): Writable;
  jsonLines(status?: number): JsonLines;
  /**
   * Takes the connection over: `101 UPGRADED` when the client asked `Upgrade: tcp`, else the legacy `200 OK` raw
   * stream. Bytes the client already sent are readable first; half-close is kept.
   */
  hijack(contentType: string): Duplex;
  /** RFC 6455 handshake for `/attach/ws`; binary messages each way, exposed as a byte stream. */
  webSocket(): Promise<Duplex>;
}

export interface RouteContext {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly apiVersion: ApiVersion;
  readonly request: IncomingMessage;
  /** Aborted when the client hangs up before the reply is complete. */
  readonly signal: AbortSignal;
  /**
   * The JSON body: 400 when malformed or of another content type; undefined when empty. Bounded (413). `fields`: its
   * names, to be found in any case.
   */
  jsonBody: <T>(fields?: FieldNames) => Promise<T | undefined>;
  readonly reply: Reply;
}

/** Parses, calls a domain, replies. Throws `EngineError`; never writes an error itself. */
export type Handler = (context: RouteContext) => Promise<void> | void;

export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  /** `/containers/{id}/json`; `{name...}` matches the rest of the path (image names hold slashes). */
  path: string;
  /** The media type of errors, when they are told as bare text. */
  errorType?: string;
  handler: Handler;
}
