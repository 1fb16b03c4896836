import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';

export function useImages() {
  return useQuery(queries.images.list.queryOptions());
}
