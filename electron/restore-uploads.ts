import type Dockerode from 'dockerode';
import { engineReply } from './api/engine-request.ts';
import { volumePath } from './api/engine-objects.ts';
import { explainUnknownOperation } from './api/failures.ts';
import { Uploads } from './uploads.ts';

/** Archives for volumes, by name. */
export type RestoreUploads = Uploads<string, { safetyCopy: string }>;

export function createRestoreUploads(docker: Dockerode): RestoreUploads {
  return new Uploads((volume, content) =>
    engineReply<{ safetyCopy: string }>(docker, {
      method: 'POST',
      path: `${volumePath(volume)}/restore`,
      content,
    }).catch(explainUnknownOperation),
  );
}
