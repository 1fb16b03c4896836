import { createInstance } from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Settings } from '../../../electron/api/types.ts';
import { en } from './en/en.ts';
import { ko } from './ko/ko.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en };
  }
}

const i18n = createInstance();

export function startI18n(language: Settings['language']): void {
  void i18n.use(initReactI18next).init({
    lng: resolveLanguage(language),
    fallbackLng: 'en',
    resources: { en: { translation: en }, ko: { translation: ko } },
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  reflectLanguage();
}

/** `system` follows the browser, and with it the desktop. */
function resolveLanguage(language: Settings['language']): 'en' | 'ko' {
  if (language !== 'system') return language;
  return navigator.language.toLowerCase().startsWith('ko') ? 'ko' : 'en';
}

export function switchLanguage(language: Settings['language']): void {
  void i18n.changeLanguage(resolveLanguage(language)).then(reflectLanguage);
}

function reflectLanguage(): void {
  document.documentElement.lang = i18n.language;
}
