import { ArrowDown, ArrowUp, Monitor, Network, Unplug } from 'lucide-react';
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { useStats } from '../../../api/stats-hub.ts';
import { stateTone } from '../../../containers/state-view.ts';
import { StatusDot } from '../../../design/badge.tsx';
import { cx } from '../../../design/class-names.ts';
import { formatRate } from '../../../format/bytes.ts';
import type { MapLink, Place } from './map-layout.ts';
import { ALONE_HUB, HOST_HUB } from './map-model.ts';
import type { MapModel, MapNode } from './map-model.ts';
import { rateOf, strokeOf } from './link-rate.ts';

const palette = [
  'var(--chart-1)',
  'var(--chart-2)',
  'var(--chart-3)',
  'var(--ansi-magenta)',
  'var(--ansi-yellow)',
  'var(--ansi-cyan)',
];
const colorOf = (hub: string, index: number): string =>
  hub === HOST_HUB || hub === ALONE_HUB ? 'var(--faint)' : (palette[index % palette.length] ?? '');

interface NodeProps {
  place: Place;
  nodeKey: string;
  /** By Tab. */
  reachable: boolean;
  onLit: (on: boolean) => void;
  onActive: () => void;
}

const nodeClass =
  'bg-surface border-line-strong hover:border-faint absolute flex flex-col overflow-hidden rounded-lg border text-left transition-colors focus-visible:z-10';

/** What every node does with pointer and focus. */
function nodeAttributes({ place, nodeKey, reachable, onLit, onActive }: NodeProps) {
  const { x, y, width, height } = place;
  return {
    'data-node': nodeKey,
    style: { left: x, top: y, width, height },
    type: 'button' as const,
    tabIndex: reachable ? 0 : -1,
    onPointerEnter: () => onLit(true),
    onPointerLeave: () => onLit(false),
    onFocus: () => {
      onActive();
      onLit(true);
    },
    onBlur: () => onLit(false),
  };
}

interface HubBoxProps extends NodeProps {
  index: number;
  hub: MapModel['hubs'][number];
  onOpen: (networkId: string) => void;
}

export function HubBox(props: HubBoxProps) {
  const { place, index, hub, onOpen } = props;
  const { network, members } = hub;
  const { t } = useTranslation();
  const isHost = place.id === HOST_HUB;
  const name = network?.name ?? t(isHost ? 'networks.map.host' : 'networks.map.alone');
  const Icon = network ? Network : isHost ? Monitor : Unplug;
  const detail = network
    ? (network.subnets[0]?.subnet ?? network.driver)
    : isHost
      ? t('networks.map.hostHint')
      : '';
  const count = t('networks.map.members', { count: members });
  return (
    <button
      {...nodeAttributes(props)}
      aria-label={[name, detail, count].filter(Boolean).join(', ')}
      className={cx(nodeClass, 'justify-center pr-2.5 pl-3.5')}
      onClick={() => network && onOpen(network.id)}
    >
      <span
        aria-hidden
        className="absolute inset-y-0 left-0 w-1"
        style={{ background: colorOf(place.id, index) }}
      />
      <span className="flex w-full min-w-0 items-center gap-1.5">
        <Icon size={13} aria-hidden className="text-muted shrink-0" />
        <span className="truncate font-semibold" title={name}>
          {name}
        </span>
      </span>
      <span className="text-faint flex w-full min-w-0 justify-between gap-2 text-sm">
        <span className="truncate">{detail}</span>
        <span className="shrink-0">{members}</span>
      </span>
    </button>
  );
}

interface ContainerBoxProps extends NodeProps {
  node: MapNode;
  /** Decides about the colours. */
  hubs: readonly Place[];
  onOpen: () => void;
}

export function ContainerBox(props: ContainerBoxProps) {
  const { node, hubs, onOpen } = props;
  const { container, networks, ports } = node;
  return (
    <button
      {...nodeAttributes(props)}
      aria-label={[container.name, ...networks.map(({ name }) => name), ...ports].join(', ')}
      className={cx(nodeClass, 'px-2.5 pt-1.5 pb-1')}
      onClick={onOpen}
    >
      <span className="flex w-full min-w-0 items-center gap-1.5">
        <StatusDot tone={stateTone(container)} hollow={container.state === 'created'} />
        <span className="truncate font-semibold" title={container.name}>
          {container.name}
        </span>
      </span>
      {networks.map((network) => (
        <LinkRow
          key={network.id}
          node={node}
          network={network}
          color={colorOf(
            network.id,
            hubs.findIndex(({ id }) => id === network.id),
          )}
        />
      ))}
      {ports.length > 0 && (
        <span className="text-muted flex h-[17px] w-full min-w-0 items-center gap-1.5 text-xs">
          <Monitor size={10} aria-hidden className="text-faint shrink-0" />
          <span className="truncate" title={ports.join('\n')}>
            {ports.join(', ')}
          </span>
        </span>
      )}
    </button>
  );
}

/** One network of a container with what goes through it now. */
function LinkRow({
  node,
  network,
  color,
}: {
  node: MapNode;
  network: MapNode['networks'][number];
  color: string;
}) {
  const { t } = useTranslation();
  const points = useStats(node.id, node.container.state === 'running');
  const rate = rateOf(points.at(-1), node, network);
  return (
    <span className="flex h-[17px] w-full min-w-0 items-center gap-1.5 text-xs">
      <span aria-hidden className="size-1.5 shrink-0 rounded-full" style={{ background: color }} />
      <span className="text-muted min-w-0 flex-1 truncate" title={`${network.name} ${network.ip}`.trim()}>
        {network.ip || network.name}
      </span>
      {rate && (
        <span
          className="text-faint flex shrink-0 items-center gap-0.5"
          title={t('networks.map.rate', {
            received: formatRate(rate.received),
            sent: formatRate(rate.sent),
          })}
        >
          <ArrowDown size={9} aria-hidden />
          {formatRate(rate.received)}
          <ArrowUp size={9} aria-hidden className="ml-1" />
          {formatRate(rate.sent)}
        </span>
      )}
    </span>
  );
}

interface LinkLineProps {
  link: MapLink;
  node: MapNode | undefined;
  lit: boolean;
  faded: boolean;
}

/** As thick as what goes through it. */
export const LinkLine = memo(function LinkLine({ link, node, lit, faded }: LinkLineProps) {
  const network = node?.networks.find(({ id }) => id === link.hub);
  const points = useStats(link.container, network !== undefined && node?.container.state === 'running');
  const rate = node && network && rateOf(points.at(-1), node, network);
  return (
    <path
      d={link.path}
      fill="none"
      stroke={colorOf(link.hub, link.hubIndex)}
      strokeLinejoin="round"
      strokeWidth={strokeOf(rate) + (lit ? 1 : 0)}
      strokeDasharray={link.hub === HOST_HUB ? '4 4' : undefined}
      opacity={faded ? 0.15 : lit ? 1 : 0.55}
    />
  );
});
