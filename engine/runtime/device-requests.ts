import { invalidArgument } from '../lib/errors.ts';
import type { DeviceRequest } from '../wire/container.ts';

/** `--gpus` and the like: no driver is registered here, so none can be chosen. Throws Docker's text. */
export function refuseDeviceRequests(requests: readonly DeviceRequest[]): void {
  for (const { Driver = '', Capabilities } of requests) {
    const sets = (Capabilities ?? []).map((set) => `[${set.join(' ')}]`).join(' ');
    throw invalidArgument(
      `could not select device driver ${JSON.stringify(Driver)} with capabilities: [${sets}]`,
    );
  }
}
