import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';

/** A folder is read anew whenever it is opened: no event tells of changes inside a container. */
export function useFiles(id: string, path: string) {
  return useQuery({ ...queries.files.list.queryOptions({ input: { id, path } }), staleTime: 0, gcTime: 0 });
}
