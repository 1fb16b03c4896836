import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './design/styles.css';
import './api/event-feed.ts';
import { startConnection } from './api/connection.ts';
import { startTransport } from './api/transport.ts';
import { App } from './app/app.tsx';
import { preloadPanes } from './app/router.tsx';
import { applyTheme, rememberedSettings } from './app/settings.ts';
import { startI18n } from './i18n/i18n.ts';

applyTheme();
startI18n(rememberedSettings().language);
startTransport();
startConnection();
preloadPanes();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
