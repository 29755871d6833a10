// Keeps the board fresh without losing the reader's place. Without this module the page has a plain link that loads it again.

const EVERY_MS = 30_000;

async function refresh() {
  if (document.hidden || document.activeElement?.matches("main input")) return;
  const stale = document.getElementById("stale");
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const main = document.querySelector("main");
    // What the reader opened stays open, and what has the focus keeps it.
    const open = [...main.querySelectorAll("details")].map((part) => part.open);
    const focused = document.activeElement?.closest("main") ? document.activeElement.getAttribute("href") : null;
    fresh.querySelectorAll("details").forEach((part, place) => { part.open = open[place] ?? false; });
    main.replaceChildren(...fresh.childNodes);
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  } catch {
    stale.hidden = false;
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
