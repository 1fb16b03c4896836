export function SystemPane() {
  return null;
}
