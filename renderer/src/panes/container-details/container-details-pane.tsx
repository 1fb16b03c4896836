export function ContainerDetailsPane() {
  return null;
}
