import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { queryClient } from '../api/query-client.ts';
import { useStore } from '../api/store.ts';
import { transportStore } from '../api/transport.ts';
import { ConfirmHost } from '../design/confirm.tsx';
import { ToastHost } from '../design/toast.tsx';
import { TipProvider } from '../design/tooltip.tsx';
import { router } from './router.tsx';
import { NeverConnected, TokenGate } from './token-gate.tsx';

export function App() {
  const transport = useStore(transportStore);
  if (transport.state === 'unauthorised') return <TokenGate />;
  if (transport.state === 'lost' && !transport.everOpen && transport.attempts > 1) return <NeverConnected />;
  return (
    <QueryClientProvider client={queryClient}>
      <TipProvider delayDuration={350} skipDelayDuration={150}>
        <RouterProvider router={router} />
        <ConfirmHost />
        <ToastHost />
      </TipProvider>
    </QueryClientProvider>
  );
}
