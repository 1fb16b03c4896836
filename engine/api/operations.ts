import type { Route } from './route.ts';

type Operation = Pick<Route, 'method' | 'path'>;

/** Every operation of Docker Engine API 1.56 outside swarm mode, `METHOD /path`. */
const DOCUMENTED = `
GET /_ping
HEAD /_ping
GET /version
GET /info
GET /events
GET /system/df
POST /auth
GET /containers/json
POST /containers/create
POST /containers/prune
GET /containers/{id}/json
GET /containers/{id}/top
GET /containers/{id}/logs
GET /containers/{id}/changes
GET /containers/{id}/export
GET /containers/{id}/stats
POST /containers/{id}/resize
POST /containers/{id}/start
POST /containers/{id}/stop
POST /containers/{id}/restart
POST /containers/{id}/kill
POST /containers/{id}/update
POST /containers/{id}/rename
POST /containers/{id}/pause
POST /containers/{id}/unpause
POST /containers/{id}/attach
GET /containers/{id}/attach/ws
POST /containers/{id}/wait
DELETE /containers/{id}
HEAD /containers/{id}/archive
GET /containers/{id}/archive
PUT /containers/{id}/archive
POST /containers/{id}/exec
POST /exec/{id}/start
POST /exec/{id}/resize
GET /exec/{id}/json
GET /images/json
POST /images/create
POST /images/load
POST /images/prune
GET /images/search
GET /images/get
GET /images/{name...}/json
GET /images/{name...}/attestations
GET /images/{name...}/history
GET /images/{name...}/get
POST /images/{name...}/push
POST /images/{name...}/tag
DELETE /images/{name...}
POST /build
POST /build/prune
POST /commit
GET /volumes
POST /volumes/create
POST /volumes/prune
GET /volumes/{name}
PUT /volumes/{name}
DELETE /volumes/{name}
GET /networks
POST /networks/create
POST /networks/prune
GET /networks/{id}
DELETE /networks/{id}
POST /networks/{id}/connect
POST /networks/{id}/disconnect
GET /distribution/{name...}/json
POST /session
`;

/** What clients of older or newer versions may try. */
const BEYOND = `
POST /grpc
POST /build/cancel
GET /containers/{id}/checkpoints
POST /containers/{id}/checkpoints
DELETE /containers/{id}/checkpoints/{checkpoint}
GET /plugins/privileges
POST /plugins/pull
POST /plugins/create
POST /plugins/{name...}/enable
POST /plugins/{name...}/disable
POST /plugins/{name...}/upgrade
POST /plugins/{name...}/push
POST /plugins/{name...}/set
DELETE /plugins/{name...}
POST /swarm/init
POST /swarm/join
`;

/** Answered as an engine does that is no swarm manager. */
const SWARM = `
GET /swarm
GET /swarm/unlockkey
POST /swarm/update
POST /swarm/unlock
GET /nodes
GET /nodes/{id}
DELETE /nodes/{id}
POST /nodes/{id}/update
GET /services
POST /services/create
GET /services/{id}
DELETE /services/{id}
POST /services/{id}/update
GET /services/{id}/logs
GET /tasks
GET /tasks/{id}
GET /tasks/{id}/logs
GET /secrets
POST /secrets/create
GET /secrets/{id}
DELETE /secrets/{id}
POST /secrets/{id}/update
GET /configs
POST /configs/create
GET /configs/{id}
DELETE /configs/{id}
POST /configs/{id}/update
`;

export const DOCUMENTED_OPERATIONS: Operation[] = parseOperations(DOCUMENTED);
export const OTHER_OPERATIONS: Operation[] = parseOperations(BEYOND);
export const SWARM_OPERATIONS: Operation[] = parseOperations(SWARM);

function parseOperations(table: string): Operation[] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [method = '', path = ''] = line.split(' ');
      return { method: method as Route['method'], path };
    });
}
