import type { ReachReply } from '../../../engine/wire/reach.ts';
import type { ReachReport } from '../types.ts';

export function toReachReport(reply: ReachReply): ReachReport {
  const { Name: name } = reply;
  return {
    verdict: reply.Verdict,
    failingHop: reply.FailingHop,
    source: toEnd(reply.Source),
    target: reply.Target ? toEnd(reply.Target) : undefined,
    shared: reply.Shared.map(({ Name }) => Name),
    name: {
      asked: name.Asked,
      through: name.Through,
      servers: name.Servers,
      addresses: name.Addresses,
      failure: name.Failure,
    },
    attempts: reply.Attempts.map(({ Address, Route, Connection }) => ({
      address: Address,
      interfaceName: Route.Interface,
      gateway: Route.Gateway,
      routeFailure: Route.Failure,
      connectionFailure: Connection.Failure,
    })),
    listening: reply.Listening ?? undefined,
    port: reply.Port,
    protocol: reply.Protocol,
  };
}

const toEnd = ({ Name, Networks }: ReachReply['Source']): ReachReport['source'] => ({
  name: Name,
  networks: Networks.map(({ Name }) => Name),
});
