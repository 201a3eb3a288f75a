"use strict";
// Follows the station: parts of the page come ready from the server and are put in their places.
const clock = document.getElementById("clock");
if (clock) {
  const stream = new EventSource("/events");
  const trouble = document.getElementById("trouble");
  const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("clock", (text) => { clock.textContent = text; });
  on("trouble", (text) => { trouble.textContent = text; });
  on("level", (text) => {
    const levels = JSON.parse(text);
    for (const meter of document.querySelectorAll("meter[data-cluster]")) {
      meter.value = levels[meter.dataset.cluster] ?? meter.min;
    }
  });
  for (const part of document.querySelectorAll("[data-live]")) {
    on(part.id, (html) => { part.innerHTML = html; });
  }
  const cut = document.getElementById("cut");
  const lost = (is) => {
    if (is === document.body.classList.contains("cut")) return;
    document.body.classList.toggle("cut", is);
    cut.hidden = !is;
    cut.textContent = is ? `${cut.dataset.words} → ${cut.dataset.next}` : "";
  };
  stream.onopen = () => lost(false);
  stream.onerror = () => {
    lost(true);
    // A server that answers with an error (logged out, too many) closes the stream for good: ask once more.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  };
  addEventListener("pagehide", () => stream.close());
}
// The shape of a programme is there once its sound was made.
for (const image of document.querySelectorAll("img[data-src]")) {
  image.nextElementSibling.addEventListener("loadedmetadata", () => { image.src = image.dataset.src; });
}
// How stations are: fetched anew now and then.
for (const part of document.querySelectorAll("[data-anew]")) {
  setInterval(async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer || !answer.ok) return;
    const anew = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
    if (anew) part.replaceChildren(...anew.childNodes);
  }, 1000 * part.dataset.anew);
}
