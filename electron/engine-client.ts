import { Agent } from 'node:http';
import Dockerode from 'dockerode';

/**
 * The engine as dockerode reaches it. Never give its methods an `abortSignal`: Node hands it on to the socket, where
 * an abort after the reply is an error that nobody listens for (see engineStream).
 */
export function createEngineClient(socketPath: string): Dockerode {
  // `host: undefined`: a tcp:// DOCKER_HOST in the environment would win over the socket.
  // No kept-alive connections: one that a stopped engine left behind would fail the next request.
  const options = { socketPath, host: undefined, agent: new Agent({ keepAlive: false }) };
  return new Dockerode(options);
}
