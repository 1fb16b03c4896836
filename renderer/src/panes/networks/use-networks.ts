import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';

export function useNetworks() {
  return useQuery(queries.networks.list.queryOptions());
}

export function useNetwork(id: string) {
  return useQuery(queries.networks.inspect.queryOptions({ input: { id } }));
}

export function useNetworkLinks() {
  return useQuery(queries.networks.links.queryOptions());
}
