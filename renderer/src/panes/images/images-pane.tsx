export function ImagesPane() {
  return null;
}
