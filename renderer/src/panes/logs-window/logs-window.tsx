export function LogsWindow() {
  return null;
}
