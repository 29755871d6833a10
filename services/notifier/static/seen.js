// Tells the city that a person, not a mail scanner, has the complaint before them: at the first touch, key, scroll or pointer.
// Scanners open every link in a mail and some run its scripts, but they don't scroll. The page needs none of this to work.
const signs = ["pointerdown", "touchstart", "keydown", "scroll", "wheel"];

function seen(event) {
  if (!event.isTrusted || document.visibilityState !== "visible") return;
  for (const sign of signs) removeEventListener(sign, seen);
  fetch(`${location.pathname}/seen`, { method: "POST", keepalive: true, credentials: "omit" }).catch(() => {});
}

for (const sign of signs) addEventListener(sign, seen, { passive: true });
