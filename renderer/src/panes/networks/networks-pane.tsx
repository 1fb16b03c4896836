export function NetworksPane() {
  return null;
}
