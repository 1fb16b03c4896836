import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { toast } from '../../design/toast.tsx';

/** A window of its own: Electron opens one, a browser gets a tab (which inherits the token by sessionStorage). */
export async function openLogWindow(id: string): Promise<void> {
  try {
    const { opened, route } = await api.windows.openLogs({ id });
    if (opened) return;
    const url = new URL(window.location.href);
    url.hash = route.replace(/^#?\/?/, '#/');
    window.open(url, '_blank');
  } catch (error) {
    toast('bad', toFailure(error).message);
  }
}
