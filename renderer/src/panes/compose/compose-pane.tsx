export function ComposePane() {
  return null;
}
