/** The part of a JSON schema that completion reads. */
export interface SchemaNode {
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  properties?: Record<string, SchemaNode>;
  patternProperties?: Record<string, SchemaNode>;
  additionalProperties?: boolean | SchemaNode;
  items?: SchemaNode;
  oneOf?: SchemaNode[];
  anyOf?: SchemaNode[];
  allOf?: SchemaNode[];
  $ref?: string;
}

type Schema = SchemaNode & { definitions?: Record<string, SchemaNode>; $defs?: Record<string, SchemaNode> };

/** A node and everything its references and alternatives may make of it. */
function alternatives(root: Schema, node: SchemaNode, depth = 0): SchemaNode[] {
  if (depth > 8) return [node];
  const referenced = /^#\/(definitions|\$defs)\/(.+)$/.exec(node.$ref ?? '');
  const target =
    referenced && root[referenced[1] === 'definitions' ? 'definitions' : '$defs']?.[referenced[2] ?? ''];
  const nested = [
    ...(node.oneOf ?? []),
    ...(node.anyOf ?? []),
    ...(node.allOf ?? []),
    ...(target ? [target] : []),
  ];
  return [node, ...nested.flatMap((one) => alternatives(root, one, depth + 1))];
}

/** The schema nodes that describe the value at a path of keys; list items are one step without a key. */
function nodesAt(root: Schema, path: readonly string[]): SchemaNode[] {
  let nodes = alternatives(root, root);
  for (const key of path) {
    nodes = nodes.flatMap((node) => children(node, key)).flatMap((node) => alternatives(root, node));
  }
  return nodes;
}

function children(node: SchemaNode, key: string): SchemaNode[] {
  const exact = node.properties?.[key];
  if (exact) return [exact];
  const patterned = Object.entries(node.patternProperties ?? {})
    .filter(([pattern]) => new RegExp(pattern).test(key))
    .map(([, child]) => child);
  if (patterned.length > 0) return patterned;
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
}

/** The keys allowed at a path, with what the schema says about them. */
export function keysAt(root: Schema, path: readonly string[]): { key: string; description: string }[] {
  const found = new Map<string, string>();
  for (const node of nodesAt(root, path)) {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (!found.has(key)) found.set(key, child.description ?? '');
    }
  }
  return [...found].map(([key, description]) => ({ key, description }));
}

/** The fixed values allowed at a path (enumerations and booleans). */
export function valuesAt(root: Schema, path: readonly string[]): string[] {
  const values = nodesAt(root, path).flatMap((node) => [
    ...(node.enum ?? []).map(String),
    ...(node.type === 'boolean' ? ['true', 'false'] : []),
  ]);
  return [...new Set(values)];
}

/**
 * The keys above a line of block YAML, by indentation: where the cursor stands in the document. A list item does not
 * count as a step.
 */
export function pathAtLine(lines: readonly string[], lineIndex: number, indent: number): string[] {
  const path: string[] = [];
  let limit = indent;
  for (let index = lineIndex - 1; index >= 0 && limit > 0; index -= 1) {
    const match = /^(\s*)(?:- )?(["']?)([\w.-]+)\2\s*:/.exec(lines[index] ?? '');
    if (!match) continue;
    const depth = match[1]?.length ?? 0;
    if (depth < limit) {
      path.unshift(match[3] ?? '');
      limit = depth;
    }
  }
  return path;
}
