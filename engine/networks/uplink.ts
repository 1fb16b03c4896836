/** A port as the host's processes see it. */
interface HostPort {
  protocol: 'tcp' | 'udp' | 'sctp';
  /** Address of the host, `0.0.0.0` for all. */
  hostIp: string;
  hostPort: number;
}

/** The way to the host's ports for an engine whose network namespace is not the host's. */
export interface Uplink {
  /**
   * Leads a port of the host to the same port inside, and resolves with how to end that. What an engine that was
   * killed left open is taken over. Rejects with code EADDRINUSE or EACCES where the host refuses.
   */
  forward(port: HostPort): Promise<() => Promise<void>>;
}
