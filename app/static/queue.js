// The queue by keyboard, the keys that work on every page, and their help. Pages work without it.
(() => {
  "use strict";
  const help = document.getElementById("help");
  const places = { h: "/", w: "/queue/", d: "/delegations/" };
  const heads = () => [...document.querySelectorAll("[data-line]")];
  let going = 0; // when "g" was pressed: the next letter says where to

  function walk(step) {
    const all = heads();
    const here = document.activeElement?.closest?.(".gj-work")?.querySelector("[data-line]");
    const next = all[here ? all.indexOf(here) + step : step > 0 ? 0 : all.length - 1];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return Boolean(next);
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable], .ts-control");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const line = event.target.closest?.(".gj-work");
    const onLine = event.target.matches?.("[data-line]");
    const key = event.key;
    let done = false;
    if (going && event.timeStamp - going < 1500 && places[key]) {
      location.assign(places[key]);
      done = true;
    } else if (key === "?") {
      help?.showModal();
      done = true;
    } else if (key === "j" || (key === "ArrowDown" && onLine)) done = walk(1);
    else if (key === "k" || (key === "ArrowUp" && onLine)) done = walk(-1);
    else if (key === "t" && line) {
      line.querySelector(".gj-take")?.requestSubmit();
      done = true;
    } else if (key === "Escape" && line) {
      line.querySelector("details").open = false;
      line.querySelector("[data-line]").focus();
      done = true;
    }
    going = key === "g" ? event.timeStamp : 0;
    if (done) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-help]")) help?.showModal();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-send-on-change]")) event.target.form.requestSubmit();
  });

  // What a line shows anew keeps the focus on it; counts that did not change are not said again.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (target?.classList.contains("gj-counts") && target.dataset.said === xhr.responseText) event.detail.shouldSwap = false;
    else if (target?.classList.contains("gj-counts")) target.dataset.said = xhr.responseText;
    if (target?.classList.contains("gj-work") && target.contains(document.activeElement)) target.dataset.focused = "yes";
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (!target?.classList.contains("gj-work")) return;
    if (target.dataset.focused) document.getElementById(target.id)?.querySelector("[data-line]")?.focus();
    if (requestConfig.verb !== "post") return;
    const tabs = document.getElementById("queue-tabs");
    if (tabs) window.htmx.ajax("GET", location.href, { source: tabs, target: tabs, select: "#queue-tabs", swap: "outerHTML" });
    window.htmx.trigger(".gj-counts", "refresh");
  });
})();
