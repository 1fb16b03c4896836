export function VolumesPane() {
  return null;
}
