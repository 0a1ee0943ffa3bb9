/** A problem and what to do about it. */
export function TroubleBox({ title, message, todo }: { title: string; message: string; todo: string }) {
  return (
    <div class="trouble">
      <strong>{title}</strong>
      <span>{message}</span>
      <span>{todo}</span>
    </div>
  );
}
