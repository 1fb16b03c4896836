import { pairsOf } from '../../design/rows.ts';
import type { PairRow } from '../../design/rows.ts';
import { isVolumeName } from './volume-names.ts';

/** `type`, `device`, `o` and `size` as the local driver takes them; empty: not given. */
export interface VolumeForm {
  name: string;
  type: string;
  device: string;
  o: string;
  size: string;
  labels: PairRow[];
}

export interface VolumeErrors {
  name?: 'nameInvalid';
  type?: 'typeMissing';
  device?: 'deviceMissing';
  /** By the row's key. */
  labels?: Record<number, 'labelMissing'>;
}

export const emptyVolumeForm = (): VolumeForm => ({
  name: '',
  type: '',
  device: '',
  o: '',
  size: '',
  labels: [],
});

export function validateVolumeForm({ name, type, device, o, labels }: VolumeForm): VolumeErrors {
  const mounts = [type, device, o].some((text) => text.trim() !== '');
  const nameless = labels.filter((row) => row.name.trim() === '' && row.value !== '');
  return {
    ...(!isVolumeName(name.trim()) && { name: 'nameInvalid' as const }),
    ...(mounts && type.trim() === '' && { type: 'typeMissing' as const }),
    ...(type.trim() !== '' && device.trim() === '' && { device: 'deviceMissing' as const }),
    ...(nameless.length > 0 && {
      labels: Object.fromEntries(nameless.map(({ key }) => [key, 'labelMissing' as const])),
    }),
  };
}

export function toVolumeRequest(form: VolumeForm): {
  name: string;
  options: Record<string, string>;
  labels: Record<string, string>;
} {
  const { type, device, o, size } = form;
  const filled = Object.entries({ type, device, o, size })
    .map(([name, value]) => [name, value.trim()] as const)
    .filter(([, value]) => value !== '');
  return {
    name: form.name.trim(),
    options: Object.fromEntries(filled),
    labels: pairsOf(form.labels),
  };
}
