import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';
import type { SchemaNode } from './schema-completion.ts';

export function useProjects() {
  return useQuery(queries.compose.projects.queryOptions());
}

/** The file as it is on disk when the editor opens; the editor's text is the truth from then on. */
export function useComposeFile(project: string) {
  return useQuery({
    ...queries.compose.read.queryOptions({ input: { project } }),
    queryKey: ['compose-file', project],
    gcTime: 0,
  });
}

export function useComposeSchema(): SchemaNode | undefined {
  const query = useQuery({ ...queries.compose.schema.queryOptions(), queryKey: ['compose-schema'] });
  return typeof query.data === 'object' && query.data !== null ? query.data : undefined;
}
