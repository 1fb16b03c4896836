import { notFound } from '../lib/errors.ts';
import { VERSION } from '../lib/version.ts';
import type { ContainerConfig } from '../wire/container.ts';
import { digestOf } from './blob-store.ts';
import { applyChanges } from './config-changes.ts';
import type { CatalogImage } from './image-catalog.ts';
import type { ContainerSnapshot, ContainerSnapshots, OciImageConfig } from './image-store.ts';
import { publishImage, registerImage, type ImageParts } from './images.ts';
import { EMPTY_DIFF_ID } from './layer-store.ts';
import { formatFamiliar, type Reference } from './reference.ts';

interface CommitRequest {
  container: string;
  reference: Reference | undefined;
  comment: string;
  author: string;
  /** Freeze a running container while it is read. */
  pause: boolean;
  /** Dockerfile instructions. */
  changes: string[];
  /** Overrides of the container's configuration. */
  config: ContainerConfig;
  signal: AbortSignal;
}

/** `docker commit`: the container's writable layer on top of its image. Resolves with the new image's ID. */
export async function commitImage(
  parts: ImageParts,
  snapshots: ContainerSnapshots,
  request: CommitRequest,
): Promise<string> {
  const { signal, reference, comment } = request;
  // Before the container is touched: a wrong instruction must not cost a pause.
  const wanted = applyChanges(processOf(request.config), request.changes);
  return snapshots.useSnapshot(request.container, request.pause, async (snapshot) => {
    const base = parts.catalog.byId(snapshot.imageId);
    if (!base) throw notFound(`No such image: ${snapshot.imageId}`);
    const { layers, isEmpty } = await stackOn(parts, base, snapshot.upper, signal);
    const config = {
      ...describe(request, snapshot, base, isEmpty),
      config: processOf(snapshot.complete(wanted)),
    };
    const image: OciImageConfig = { ...config, rootfs: { type: 'layers', diff_ids: layers } };
    const configBlob = Buffer.from(JSON.stringify(image));
    const id = digestOf(configBlob);
    const references = reference ? [reference] : [];
    await registerImage(parts, { id, config: image, configBlob, references, parent: base.id });
    publishImage(parts, { id, config: image }, 'create', id);
    if (reference) publishImage(parts, { id, config: image }, 'tag', formatFamiliar(reference));
    snapshot.published({
      comment,
      imageID: id,
      ...(reference ? { imageRef: formatFamiliar(reference) } : {}),
    });
    return id;
  });
}

/** The base's layers and the writable one, a reference held on each; nothing is held when it throws. */
async function stackOn(
  { layers }: ImageParts,
  base: CatalogImage,
  upper: string,
  signal: AbortSignal,
): Promise<{ layers: string[]; isEmpty: boolean }> {
  for (const diffId of base.layers) layers.acquire(diffId);
  try {
    const { diffId } = await layers.commit(upper, signal);
    if (diffId !== EMPTY_DIFF_ID) return { layers: [...base.layers, diffId], isEmpty: false };
    await layers.release(diffId);
    return { layers: base.layers, isEmpty: true };
  } catch (error) {
    for (const diffId of base.layers) await layers.release(diffId);
    throw error;
  }
}

/** The new image but for its process configuration and layers. */
function describe(
  { author, comment }: CommitRequest,
  snapshot: ContainerSnapshot,
  { config: base, layers }: CatalogImage,
  isEmpty: boolean,
): Omit<OciImageConfig, 'config' | 'rootfs'> {
  const created = new Date().toISOString();
  const said = { ...(author ? { author } : {}), ...(comment ? { comment } : {}) };
  return {
    architecture: base.architecture,
    ...(base.variant ? { variant: base.variant } : {}),
    os: base.os,
    created,
    ...said,
    container: snapshot.id,
    container_config: snapshot.config,
    docker_version: VERSION,
    history: [
      ...(base.history ?? layers.map(() => ({}))),
      {
        created,
        created_by: [snapshot.config.Cmd ?? []].flat().join(' '),
        ...said,
        ...(isEmpty ? { empty_layer: true } : {}),
      },
    ],
  };
}

/** What of a container's configuration an image keeps (OCI image-spec, "config"). */
function processOf(config: ContainerConfig): NonNullable<OciImageConfig['config']> {
  const list = (value: string[] | string | null | undefined): string[] | null =>
    value === undefined || value === null ? null : [value].flat();
  return {
    ...(config.User ? { User: config.User } : {}),
    ...(config.ExposedPorts ? { ExposedPorts: config.ExposedPorts } : {}),
    ...(config.Env ? { Env: config.Env } : {}),
    ...(config.Cmd ? { Cmd: list(config.Cmd) } : {}),
    ...(config.Entrypoint ? { Entrypoint: list(config.Entrypoint) } : {}),
    ...(config.Volumes ? { Volumes: config.Volumes } : {}),
    ...(config.WorkingDir ? { WorkingDir: config.WorkingDir } : {}),
    ...(config.Labels ? { Labels: config.Labels } : {}),
    ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
    ...(config.Healthcheck ? { Healthcheck: config.Healthcheck } : {}),
    ...(config.OnBuild ? { OnBuild: config.OnBuild } : {}),
    ...(config.Shell ? { Shell: config.Shell } : {}),
  };
}
