import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';

export function useVolumes() {
  return useQuery(queries.volumes.list.queryOptions());
}
