import type { LucideIcon } from 'lucide-react';
import { Box, Disc3, Hammer, HardDrive, Layers, Network, Server } from 'lucide-react';

export const panes = [
  { pane: 'containers', to: '/containers', icon: Box, keys: 'g c' },
  { pane: 'images', to: '/images', icon: Disc3, keys: 'g i' },
  { pane: 'volumes', to: '/volumes', icon: HardDrive, keys: 'g v' },
  { pane: 'networks', to: '/networks', icon: Network, keys: 'g n' },
  { pane: 'compose', to: '/compose', icon: Layers, keys: 'g o' },
  { pane: 'builds', to: '/builds', icon: Hammer, keys: 'g b' },
  { pane: 'system', to: '/system', icon: Server, keys: 'g s' },
] as const satisfies { pane: string; to: string; icon: LucideIcon; keys: string }[];
