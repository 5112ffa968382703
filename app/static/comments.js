// The comment box: @ offers colleagues, Ctrl+Enter sends, a sent comment empties the box.
(() => {
  "use strict";
  const COLLEAGUE = /(?:^|[^\w.])[@＠]([^\s@＠]{0,30})$/;

  document.addEventListener("keydown", (event) => {
    const box = event.target.closest?.("[data-comment] textarea");
    if (box && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      box.form.requestSubmit();
    }
  });

  let sent = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches?.("[data-comment]")) sent = event.target.querySelector("textarea").value;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target;
    if (!form.matches?.("[data-comment]")) return;
    const box = form.querySelector("textarea");
    if (event.detail.successful) {
      form.querySelectorAll("[name=chosen]").forEach((chosen) => chosen.remove());
      box.value = box.value.startsWith(sent) ? box.value.slice(sent.length) : box.value; // what was typed meanwhile stays
      box.dispatchEvent(new Event("input", { bubbles: true })); // the draft goes with it
    }
    sessionStorage.removeItem("draft:sent"); // the page stays: its draft is not for the next one to clear
    box.classList.toggle("is-invalid", !event.detail.successful);
    box.focus();
  });

  function offer(box) {
    const list = document.createElement("ul");
    list.className = "gj-mentions";
    list.id = "mentions";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    box.after(list);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) {
      box.setAttribute(name, value);
    }
    let asked = 0;
    const lines = () => [...list.querySelectorAll("[role=option]")];
    const current = () => lines().find((line) => line.getAttribute("aria-selected") === "true");
    const typed = () => COLLEAGUE.exec(box.value.slice(0, box.selectionStart))?.[1];

    function close() {
      list.hidden = true;
      list.replaceChildren();
      box.setAttribute("aria-expanded", "false");
      box.removeAttribute("aria-activedescendant");
    }
    function mark(line) {
      lines().forEach((other) => other.setAttribute("aria-selected", String(other === line)));
      box.setAttribute("aria-activedescendant", line.id);
      line.scrollIntoView({ block: "nearest" });
    }
    function choose(line) {
      const start = box.selectionStart - typed().length;
      box.setRangeText(`${line.textContent} `, start, box.selectionStart, "end");
      const chosen = document.createElement("input");
      Object.assign(chosen, { type: "hidden", name: "chosen", value: line.dataset.value });
      box.form.append(chosen);
      close();
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    async function look() {
      const name = typed();
      const turn = ++asked;
      if (name === undefined) return close();
      const url = new URL(box.dataset.mention, location.origin);
      url.searchParams.set("q", name);
      const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
      if (turn !== asked || !answer?.ok) return;
      const { items } = await answer.json();
      if (turn !== asked || typed() !== name) return;
      list.replaceChildren(
        ...items.slice(0, 8).map((item, place) => {
          const line = document.createElement("li");
          Object.assign(line, { id: `mention-${place}`, textContent: item.text });
          line.setAttribute("role", "option");
          line.dataset.value = item.value;
          return line;
        }),
      );
      if (!items.length) return close();
      list.hidden = false;
      box.setAttribute("aria-expanded", "true");
      mark(lines()[0]);
    }
    let pause;
    box.addEventListener("input", () => {
      clearTimeout(pause);
      if (typed() === undefined) close();
      else pause = setTimeout(look, 120);
    });
    box.addEventListener("keydown", (event) => {
      if (list.hidden || event.ctrlKey || event.metaKey) return;
      const all = lines();
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) mark(all[(all.indexOf(current()) + step + all.length) % all.length]);
      else if (event.key === "Enter" || event.key === "Tab") choose(current());
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
    });
    list.addEventListener("pointerdown", (event) => {
      const line = event.target.closest("[role=option]");
      if (!line) return;
      event.preventDefault(); // the box keeps the focus
      choose(line);
    });
    box.addEventListener("blur", () => setTimeout(close, 150));
  }
  const start = () => document.querySelectorAll("textarea[data-mention]").forEach(offer);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
