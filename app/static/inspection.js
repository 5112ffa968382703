// The inspection page: a tap shows at once and is sent in the background. What the network or the server does not take
// waits in this browser, is tried again, and survives a reload. Without this script every button posts its form.
(() => {
  "use strict";
  const page = document.getElementById("inspection");
  const form = page?.querySelector("[data-taps]");
  const GLYPHS = { pass: "✓", fail: "✗", not_applicable: "–", "": "·" };
  const NEXT = { "": "pass", pass: "fail", fail: "not_applicable", not_applicable: "" };

  // Results

  const row = (item) => document.getElementById(`item-${item}`);
  const cell = (item) => page.querySelector(`[data-cell="${item}"]`);

  function show(item, result) {
    const line = row(item);
    if (!line) return;
    line.dataset.result = result;
    for (const button of line.querySelectorAll(".ins-b")) {
      const own = button.classList[1].slice("ins-".length);
      button.setAttribute("aria-pressed", String(own === result));
      button.value = `${item}:${own === result ? "" : own}`;
    }
    const square = cell(item);
    if (square) {
      const pressed = line.querySelector('.ins-b[aria-pressed="true"]');
      square.dataset.result = result;
      square.textContent = GLYPHS[result];
      square.value = `${item}:${NEXT[result]}`;
      const said = square.getAttribute("aria-label").replace(/:[^:]*$/, "");
      square.setAttribute("aria-label", `${said}: ${pressed ? pressed.lastChild.textContent : "…"}`);
    }
    count(line.closest("[data-space]"));
  }

  function count(space) {
    const rows = [...space.querySelectorAll("[data-item]")];
    const judged = rows.filter((one) => one.dataset.result).length;
    const failed = rows.filter((one) => one.dataset.result === "fail").length;
    space.querySelector("[data-count]").textContent = `${judged}/${rows.length}`;
    space.querySelector("progress").value = judged;
    const mark = space.querySelector("[data-failed]");
    mark.hidden = !failed;
    mark.lastElementChild.textContent = failed;
    space.classList.toggle("is-done", judged === rows.length);
    const rest = space.querySelector(".ins-rest .btn");
    if (rest) rest.hidden = judged === rows.length;
    countAll();
  }

  function countAll() {
    const bar = document.querySelector("[data-all-bar]");
    if (!bar) return;
    const rows = page.querySelectorAll("[data-item]");
    const judged = page.querySelectorAll('[data-item]:not([data-result=""])').length;
    bar.max = rows.length;
    bar.value = judged;
    document.querySelector("[data-all]").textContent = `${judged}/${rows.length}`;
  }

  // Sending: one request at a time with everything that waits, the newest result per item.

  const key = `taps:${page?.dataset.round}`;
  const waiting = new Map();

  const keep = () => {
    if (waiting.size) localStorage.setItem(key, JSON.stringify([...waiting]));
    else localStorage.removeItem(key);
  };

  function say(text = "", late = false) {
    const bar = document.querySelector(".ins-bar");
    if (!bar) return;
    bar.classList.toggle("is-waiting", Boolean(text) || late);
    const slow = late ? page.dataset.waiting.replace("{n}", waiting.size) : "";
    bar.querySelector("[data-state]").textContent = text || slow || (waiting.size ? "" : page.dataset.saved);
  }

  function put(item, result) {
    waiting.set(String(item), result);
    keep();
    show(item, result);
    row(item)?.classList.add("is-sending");
    say();
    send();
  }

  async function sendWaiting() {
    if (!waiting.size) return { left: "" };
    const batch = [...waiting].slice(0, 50);
    const body = new URLSearchParams(batch.map(([item, result]) => ["tap", `${item}:${result}`]));
    const answer = await offline.post(page.dataset.address, body);
    let note = "";
    if (answer.ok) {
      const { results, refused } = answer.json;
      for (const [item, sent] of batch) {
        if (waiting.get(item) !== sent) continue; // tapped again meanwhile
        waiting.delete(item);
        row(item)?.classList.remove("is-sending");
        show(item, results[item] ?? "");
      }
      note = Object.values(refused)[0] ?? "";
    } else if (answer.status === 404) {
      for (const [item] of batch) {
        waiting.delete(item);
        row(item)?.classList.remove("is-sending");
      }
      note = page.dataset.lost;
    } else if (answer.login) {
      note = page.dataset.login;
    }
    keep();
    const taken = answer.ok || answer.status === 404;
    return { left: waiting.size ? (taken ? "more" : "later") : "", note };
  }
  const send = offline.sender(sendWaiting, say);

  function begin() {
    form.addEventListener("submit", (event) => {
      const button = event.submitter;
      if (!button?.value || button.name !== "tap") return;
      event.preventDefault();
      event.stopPropagation();
      const [item, result] = button.value.split(":");
      put(item, result);
      if (result === "fail" && button.classList.contains("ins-b")) {
        openSheet(row(item).querySelector("[data-sheet]"));
      }
    });
    // A whole-page command must not overtake what still waits.
    form.addEventListener("click", async (event) => {
      const button = event.target.closest("[data-plain]");
      if (!button || !waiting.size) return;
      event.preventDefault();
      await send();
      if (!waiting.size) button.form.requestSubmit(button);
    });
    try {
      for (const [item, result] of JSON.parse(localStorage.getItem(key) ?? "[]")) if (row(item)) put(item, result);
    } catch {
      localStorage.removeItem(key);
    }
    for (const space of page.querySelectorAll("[data-space]")) count(space);
    say();
  }

  // Filters and views

  function filter() {
    const trade = page.querySelector("[data-trade-filter]").value;
    const left = page.querySelector("[data-left-filter]").checked;
    for (const line of page.querySelectorAll("[data-trade]")) {
      const done = left && ["pass", "not_applicable"].includes(line.dataset.result);
      line.hidden = Boolean(trade && line.dataset.trade !== trade) || done;
    }
    for (const space of page.querySelectorAll("[data-space]")) {
      const shown = space.querySelector("[data-item]:not([hidden])");
      space.hidden = !shown;
      if (trade && shown) space.open = true;
    }
  }

  function views() {
    const button = document.querySelector("[data-view-toggle]");
    if (!button) return;
    const names = [button.textContent, button.dataset.other];
    const apply = () => {
      const bySpace = localStorage.getItem("inspection-view") === "space";
      page.classList.toggle("by-space", bySpace);
      button.textContent = names[bySpace ? 1 : 0];
    };
    button.addEventListener("click", () => {
      localStorage.setItem("inspection-view", page.classList.contains("by-space") ? "matrix" : "space");
      apply();
    });
    apply();
  }

  // The defect's sheet

  const sheet = document.getElementById("sheet");
  async function openSheet(link) {
    if (!link || !sheet) return;
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(8000) });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      const body = document.getElementById("sheet-body");
      body.innerHTML = await answer.text();
      prepare(body);
      sheet.showModal();
      body.querySelector("textarea")?.focus();
    } catch {
      // Without the network the link under the row stays for later.
    }
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-sheet]");
    if (link && sheet && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      openSheet(link);
    }
    const close = event.target.closest("[data-close]");
    if (close && sheet?.open) {
      event.preventDefault();
      sheet.close();
    }
  });

  function prepare(root) {
    for (const box of root.querySelectorAll("[data-photos]")) offline.photos(box);
    const defect = root.querySelector("[data-defect]");
    if (!defect) return;
    const day = defect.elements.due_on;
    let own = Boolean(day.value);
    day.addEventListener("input", () => (own = Boolean(day.value)));
    const follow = () => {
      const chosen = defect.querySelector("[name=severity]:checked");
      if (chosen && !own) day.value = chosen.dataset.due;
    };
    for (const choice of defect.querySelectorAll("[name=severity]")) choice.addEventListener("change", follow);
    follow();
  }

  prepare(document);
  if (page) {
    page.querySelector("[data-trade-filter]")?.addEventListener("change", filter);
    page.querySelector("[data-left-filter]")?.addEventListener("change", filter);
    views();
    if (sheet) begin();
  }
})();
