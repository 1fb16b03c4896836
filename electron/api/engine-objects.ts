import type Dockerode from 'dockerode';
import { failure } from './failures.ts';

/**
 * dockerode pastes ids into URL paths as they are: everything that comes from the renderer is encoded here, so that
 * no id can name another operation (`x/../../images/prune`).
 */
export function containerOf(docker: Dockerode, id: string): Dockerode.Container {
  return docker.getContainer(pathSegment(id));
}

export function networkOf(docker: Dockerode, id: string): Dockerode.Network {
  return docker.getNetwork(pathSegment(id));
}

export function volumeOf(docker: Dockerode, name: string): Dockerode.Volume {
  return docker.getVolume(pathSegment(name));
}

export function imageOf(docker: Dockerode, name: string): Dockerode.Image {
  return docker.getImage(imagePath(name));
}

/** Gantry's own operations on a volume. */
export function volumePath(name: string): string {
  return `/gantry/v1/volumes/${pathSegment(name)}`;
}

/** Gantry's own operations on a container. */
export function containerPath(id: string): string {
  return `/gantry/v1/containers/${pathSegment(id)}`;
}

/** Image names hold slashes. */
export function imagePath(name: string): string {
  return name.split('/').map(pathSegment).join('/');
}

function pathSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') {
    throw failure('BAD_REQUEST', `invalid name: ${JSON.stringify(segment)}`);
  }
  return encodeURIComponent(segment);
}
