import { EngineError, notFound, notImplemented } from '../../lib/errors.ts';
import { DOCUMENTED_OPERATIONS, OTHER_OPERATIONS, SWARM_OPERATIONS } from '../operations.ts';
import type { Route } from '../route.ts';

/** Docker's answer of an engine that is in no swarm. */
export const notInSwarm = (): EngineError =>
  new EngineError(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );

/**
 * Comes last: whatever operation no domain has routed answers 501 by its name, never 404 or an empty 200. Swarm and
 * plugin operations answer as a Docker engine without swarm and plugins, because clients probe them.
 */
export function unsupportedRoutes(): Route[] {
  return [
    ...SWARM_OPERATIONS.map((operation) => failing(operation, notInSwarm)),
    failing(
      { method: 'POST', path: '/swarm/leave' },
      () => new EngineError('unavailable', 'This node is not part of a swarm'),
    ),
    { method: 'GET', path: '/plugins', handler: ({ reply }) => reply.json(200, []) },
    {
      method: 'GET',
      path: '/plugins/{name...}/json',
      handler({ params }) {
        throw notFound(`plugin "${params['name']}" not found`);
      },
    },
    ...[...DOCUMENTED_OPERATIONS, ...OTHER_OPERATIONS].map((operation) =>
      failing(operation, () => notImplemented(`${operation.method} ${operation.path}`)),
    ),
  ];
}

function failing({ method, path }: Pick<Route, 'method' | 'path'>, error: () => EngineError): Route {
  return {
    method,
    path,
    handler() {
      throw error();
    },
  };
}
