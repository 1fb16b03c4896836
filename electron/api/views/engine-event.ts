import type { EngineEvent } from '../types.ts';

/** Docker's event message on the wire. */
export interface DockerEvent {
  Type?: string;
  Action?: string;
  Actor?: { ID?: string; Attributes?: Record<string, string> | null };
  time?: number;
  timeNano?: number;
}

export function toEngineEvent(event: DockerEvent): EngineEvent {
  return {
    type: event.Type ?? '',
    action: event.Action ?? '',
    id: event.Actor?.ID ?? '',
    attributes: event.Actor?.Attributes ?? {},
    time: event.timeNano ? Math.floor(event.timeNano / 1e6) : (event.time ?? 0) * 1000,
  };
}
