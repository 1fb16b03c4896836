import { expect, test } from 'vitest';
import {
  appFile,
  appUrl,
  isAllowedPermission,
  isAllowedRequest,
  isAppUrl,
  isExternalUrl,
  isTrustedSender,
} from './navigation-policy.ts';

test.each([
  'gantry://app/',
  'gantry://app/index.html',
  'gantry://app/#/logs/abc',
  'gantry://app/assets/x.js?y',
])('%s is a page of the app', (url) => expect(isAppUrl(url)).toBe(true));

test.each([
  'gantry://app.evil/',
  'gantry://evil/',
  'gantry://app@evil/',
  'gantry://user@app/',
  'gantry://app:1/',
  'https://app/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'gantryx://app/',
  '',
  'app',
])('%s is none', (url) => expect(isAppUrl(url)).toBe(false));

test('a route becomes the fragment of the app page', () => {
  expect(appUrl('/logs/abc')).toBe('gantry://app/#/logs/abc');
  expect(isAppUrl(appUrl())).toBe(true);
});

test('an app URL names a file of the build and nothing outside', () => {
  expect(appFile('/b', 'gantry://app/')).toBe('/b/index.html');
  expect(appFile('/b', 'gantry://app/assets/a.js?x#y')).toBe('/b/assets/a.js');
  expect(appFile('/b', 'gantry://app/%2e%2e/x.js')).toBe('/b/x.js');
  expect(appFile('/b', 'gantry://app/..%2fx.js')).toBeUndefined();
  expect(appFile('/b', 'gantry://evil/assets/a.js')).toBeUndefined();
});

test.each([
  ['http://localhost:8080/', true],
  ['https://example.org/a?b#c', true],
  ['https://user:pass@example.org/', false],
  ['https://user@example.org/', false],
  ['file:///etc/passwd', false],
  ['smb://host/share', false],
  ['javascript:alert(1)', false],
  ['ms-msdt:/id', false],
  ['not a url', false],
])('SECURITY 2024-8695: %s may be offered to the browser: %s', (url, allowed) => {
  expect(isExternalUrl(url)).toBe(allowed);
});

test.each([
  ['gantry://app/assets/a.js', true],
  ['blob:gantry://app/1234', true],
  ['data:image/png;base64,AA', true],
  ['data:text/html,x', false],
  ['blob:https://evil/1', false],
  ['https://example.org/', false],
  ['ws://127.0.0.1:1/', false],
  ['file:///etc/passwd', false],
  ['http://169.254.169.254/', false],
])('the renderer may load %s: %s', (url, allowed) => {
  expect(isAllowedRequest(url)).toBe(allowed);
});

test('only copying text is permitted, and only to our own page', () => {
  expect(isAllowedPermission('clipboard-sanitized-write', 'gantry://app/')).toBe(true);
  expect(isAllowedPermission('clipboard-sanitized-write', 'https://evil/')).toBe(false);
  for (const permission of [
    'clipboard-read',
    'media',
    'geolocation',
    'notifications',
    'openExternal',
    'usb',
  ]) {
    expect(isAllowedPermission(permission, 'gantry://app/')).toBe(false);
  }
});

test('only the top frame of the app may ask for the API', () => {
  expect(isTrustedSender({ url: 'gantry://app/', parent: null })).toBe(true);
  expect(isTrustedSender({ url: 'gantry://app/', parent: {} })).toBe(false);
  expect(isTrustedSender({ url: 'https://evil/', parent: null })).toBe(false);
  expect(isTrustedSender(null)).toBe(false);
});
