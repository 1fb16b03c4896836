import { invalidArgument, type EngineError } from '../../lib/errors.ts';

/** `os/architecture[/variant]` in Go's names, normalised as containerd does. */
export interface Platform {
  os: string;
  architecture: string;
  /** '' where the architecture has none or it is the usual one. */
  variant: string;
}

const ARCHITECTURES: Partial<Record<string, [architecture: string, variant: string]>> = {
  i386: ['386', ''],
  x86_64: ['amd64', ''],
  'x86-64': ['amd64', ''],
  aarch64: ['arm64', ''],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
};
const KNOWN_ARCHITECTURES =
  'amd64 386 arm arm64 ppc64 ppc64le mips mipsle mips64 mips64le riscv64 s390x loong64 wasm'.split(' ');
/** What else a machine runs, best first; the machine's own comes before. */
const COMPATIBLE: Partial<Record<string, Platform[]>> = {
  amd64: [{ os: 'linux', architecture: '386', variant: '' }],
  arm64: ['v8', 'v7', 'v6', 'v5'].map((variant) => ({ os: 'linux', architecture: 'arm', variant })),
};

/** The first component, with the version and features of an operating system, which nothing here is told by. */
const SYSTEM = /^([\w-]+)(?:\(([\w.%-]*)((?:\+[\w.%-]+)*)\))?$/;
const COMPONENT = /^[\w.-]+$/;

/** Reads `linux/arm64/v8`, `linux` or `arm64`; what is missing is as on `host`. Throws invalid-argument, as Docker. */
export function parsePlatform(text: string, host: Platform): Platform {
  const [system = '', ...others] = text.toLowerCase().split('/');
  if (text.includes('*')) throw unreadable(`${JSON.stringify(text)}: wildcards not yet supported`);
  const [, first] = SYSTEM.exec(system) ?? [];
  if (first === undefined) {
    throw unreadable(`${JSON.stringify(system)} is an invalid OS component of ${JSON.stringify(text)}`);
  }
  const bad = others.find((part) => !COMPONENT.test(part));
  if (bad !== undefined) {
    throw unreadable(
      `${JSON.stringify(bad)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match "^[A-Za-z0-9_.-]+$"`,
    );
  }
  if (others.length > 2) throw unreadable(`${JSON.stringify(text)}: cannot parse platform specifier`);
  const [second, variant = ''] = others;
  if (second !== undefined) return normalize({ os: first, architecture: second, variant });
  const { architecture, variant: usual } = normalize({ os: 'linux', architecture: first, variant: '' });
  if (KNOWN_ARCHITECTURES.includes(architecture)) return { os: 'linux', architecture, variant: usual };
  if (first !== 'linux' && first !== 'windows' && first !== 'darwin' && first !== 'freebsd')
    throw unreadable(`${JSON.stringify(text)}: unknown operating system or architecture`);
  return { ...host, os: first };
}

const unreadable = (message: string): EngineError => invalidArgument(`${message}: invalid argument`);

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === '' ? [] : [variant])].join('/');
}

export function normalize({ os, architecture, variant }: Platform): Platform {
  const lower = architecture.toLowerCase();
  const [name, implied] = ARCHITECTURES[lower] ?? [lower, ''];
  const given = variant.toLowerCase().replace(/^(\d)/, 'v$1') || implied;
  const system = os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase();
  return { os: system, architecture: name, variant: usualVariant(name, given) };
}

/** The variant that goes without saying is not said, but arm's is. */
function usualVariant(architecture: string, variant: string): string {
  if (architecture === 'arm64' && variant === 'v8') return '';
  if (architecture === 'amd64' && variant === 'v1') return '';
  if (architecture === 'arm' && variant === '') return 'v7';
  return variant;
}

/** Rank of an offer for who wants `wanted`, 0 the best; undefined: it does not run there. */
export function rankPlatform(offered: Platform, wanted: Platform): number | undefined {
  const choices = [wanted, ...lesserVariants(wanted), ...(COMPATIBLE[wanted.architecture] ?? [])];
  const { os, architecture, variant } = normalize(offered);
  const rank = choices.findIndex(
    (choice) => choice.os === os && choice.architecture === architecture && choice.variant === variant,
  );
  return rank < 0 ? undefined : rank;
}

function lesserVariants({ os, architecture, variant }: Platform): Platform[] {
  const level = Number(/^v(\d)$/.exec(variant)?.[1] ?? 0);
  const lowest = architecture === 'arm' ? 5 : 1;
  const variants: Platform[] = [];
  for (let lesser = level - 1; lesser >= lowest; lesser -= 1)
    variants.push(normalize({ os, architecture, variant: `v${lesser}` }));
  return variants;
}
