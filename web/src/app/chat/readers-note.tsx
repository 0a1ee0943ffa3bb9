/** Who can read a question, said before the first one (PROTOCOL 9). */
export function ReadersNote() {
  return (
    <div class="readers">
      <h3>Before you ask: who can read this</h3>
      <p>
        The tabs that hold the first and the last layers, and the operator of this network, can read what you write and what comes back. Tabs in between could work parts of it out. So ask nothing that
        must stay secret.
      </p>
      <p class="aside">The conversation itself is kept only in this browser.</p>
    </div>
  );
}
