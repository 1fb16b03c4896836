import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';

export function useContainer(id: string) {
  return useQuery(queries.containers.inspect.queryOptions({ input: { id } }));
}
