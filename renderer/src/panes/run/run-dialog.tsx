export function RunDialogHost() {
  return null;
}
