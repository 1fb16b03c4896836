import manifest from '../../package.json' with { type: 'json' };

/** The engine's own version, one with the app's. */
export const VERSION: string = manifest.version;
