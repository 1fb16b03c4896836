import { useQuery } from '@tanstack/react-query';
import type { FilePlace } from '../../../electron/api/types.ts';
import { queries } from '../api/client.ts';

/** A folder is read anew whenever it is opened: no event tells of changes inside a container or volume. */
export function useFiles(folder: FilePlace) {
  return useQuery({ ...queries.files.list.queryOptions({ input: folder }), staleTime: 0, gcTime: 0 });
}
