import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/client.ts';

export function useContainers() {
  return useQuery(queries.containers.list.queryOptions());
}
