/** Path of `values` (newest last) in a box; `capacity` fixes the time scale so that a young series grows from the right. */
export function sparklinePath(
  values: readonly number[],
  box: { width: number; height: number },
  capacity: number,
  top: number,
): string {
  if (values.length < 2) return '';
  const step = box.width / (capacity - 1);
  const startX = box.width - (values.length - 1) * step;
  return values
    .map((value, index) => {
      const y = box.height - 1 - (Math.min(value, top) / top) * (box.height - 2);
      return `${index === 0 ? 'M' : 'L'}${(startX + index * step).toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}
