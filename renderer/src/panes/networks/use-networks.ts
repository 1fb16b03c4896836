import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';

export function useNetworks() {
  return useQuery(queries.networks.list.queryOptions());
}
