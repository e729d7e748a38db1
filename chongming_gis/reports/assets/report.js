// Puts each map together from the parts stored once in this file, when the reader comes near it.
(function () {
  "use strict";
  let parts = null;
  function draw(box) {
    parts = parts || JSON.parse(document.getElementById("map-parts").textContent);
    const frame = document.createElement("iframe");
    frame.title = box.dataset.title;
    frame.srcdoc = box.dataset.parts.split(" ").map((i) => parts[i]).join("");
    box.replaceChildren(frame);
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    }
  }, { rootMargin: "300px" });
  // What is folded on the screen is printed all the same.
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
  document.querySelectorAll(".frame").forEach((box) => watcher.observe(box));
})();
