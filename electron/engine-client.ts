import { Agent } from 'node:http';
import net from 'node:net';
import type { NetConnectOpts } from 'node:net';
import Dockerode from 'dockerode';

/** The engine as dockerode reaches it. */
export function createEngineClient(socketPath: string): Dockerode {
  // `host: undefined`: a tcp:// DOCKER_HOST in the environment would win over the socket.
  const docker = new Dockerode({ socketPath, host: undefined });
  const agent = new Agent({ keepAlive: true });
  // Node hands a request's AbortSignal on to its socket: an abort after the response is complete makes that socket
  // emit an error that nobody listens for any more, and would end the process.
  const connect = (options: NetConnectOpts) => net.connect(options).on('error', () => undefined);
  Object.assign(agent, { createConnection: connect });
  Object.assign(docker.modem as object, { agent });
  return docker;
}
