import { hasLabel } from '../lib/labels.ts';
import type { EventFilters, EventMessage } from './events.ts';

/** Named by ID or `name` attribute, either may be abbreviated. An object filter is not bound to the event's type. */
const OBJECT_FILTERS = [
  'config',
  'container',
  'daemon',
  'network',
  'node',
  'plugin',
  'secret',
  'service',
  'volume',
];

/** Actions that carry `: detail`, so that a filter names only their beginning. */
const DETAILED_ACTIONS = ['health_status', 'exec_create', 'exec_start', 'exec_die'];

export function matchesFilters(event: EventMessage, filters: EventFilters): boolean {
  const { ID: id, Attributes: attributes } = event.Actor;
  const any = (name: string, fits: (value: string) => boolean): boolean => {
    const values = filters.values(name);
    return values.length === 0 || values.some(fits);
  };
  return (
    any('type', (value) => value === event.Type) &&
    any('event', (value) => matchesAction(event.Action, value)) &&
    any('scope', (value) => value === event.scope) &&
    OBJECT_FILTERS.every((name) =>
      any(name, (value) => id.startsWith(value) || (attributes['name'] ?? '').startsWith(value)),
    ) &&
    any('image', (value) => imageNames(event).includes(value)) &&
    filters.values('label').every((label) => hasLabel(attributes, label))
  );
}

function matchesAction(action: string, wanted: string): boolean {
  return action === wanted || (DETAILED_ACTIONS.includes(wanted) && action.startsWith(`${wanted}:`));
}

function imageNames({ Type, Actor }: EventMessage): string[] {
  const name = Actor.Attributes[Type === 'image' ? 'name' : 'image'] ?? '';
  return [Actor.ID, name, stripTag(Actor.ID), stripTag(name)];
}

const stripTag = (reference: string): string => reference.replace(/(@.*|:[^/:]*)$/, '');
