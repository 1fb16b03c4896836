import base from './playwright.config.ts';

/** `npm run screenshots`: not a test of behaviour, so not part of `npm test`. */
export default { ...base, testMatch: 'screenshots.ts' };
