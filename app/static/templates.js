// Editor of paper templates: the preview follows what is typed; values are inserted where the cursor was.
(() => {
  "use strict";
  const form = document.getElementById("template-editor");
  if (!form) return;
  const faults = form.querySelector("[data-faults]");
  const sheets = form.querySelector("[data-sheets]");
  const pages = form.querySelector("[data-pages]");
  const texts = { template: form.elements.template, style: form.elements.style };
  let waiting = 0;
  let asked = null;

  function tell(sentences) {
    const list = document.createElement("ul");
    for (const sentence of sentences) {
      const line = document.createElement("li");
      const number = /(\d+)/.exec(sentence.split(/[:：]/)[0])?.[1];
      if (number) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = sentence;
        button.addEventListener("click", () => goTo(sentence.startsWith(form.querySelector("[for=tp-style]").textContent) ? texts.style : texts.template, Number(number)));
        line.append(button);
      } else line.textContent = sentence;
      list.append(line);
    }
    faults.replaceChildren(...(sentences.length ? [Object.assign(document.createElement("div"), { className: "alert alert-danger" })] : []));
    faults.firstChild?.append(list);
  }

  function goTo(area, number) {
    const lines = area.value.split("\n");
    const start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
    area.scrollTop = (number - 4) * parseFloat(getComputedStyle(area).lineHeight);
  }

  async function draw() {
    asked?.abort();
    asked = new AbortController();
    sheets.classList.add("waiting");
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal });
      if (!answer.ok) throw new Error(answer.statusText);
      const told = await answer.json();
      tell(told.faults);
      if (!told.faults.length) {
        const word = told.pages === 1 ? pages.dataset.one : told.pages > told.pictures.length ? pages.dataset.first : pages.dataset.some;
        pages.textContent = word.replace("{count}", told.pages);
        const drawn = told.pictures.map((src, place) => Object.assign(new Image(), { src, alt: sheets.dataset.alt.replace("{number}", place + 1) }));
        const at = sheets.scrollTop;
        sheets.replaceChildren(...drawn);
        sheets.scrollTop = at;
        sheets.classList.remove("waiting");
      }
    } catch (error) {
      if (error.name !== "AbortError") tell([faults.dataset.failed]);
    }
  }

  const soon = (delay) => {
    clearTimeout(waiting);
    waiting = setTimeout(draw, delay);
  };
  form.addEventListener("input", (event) => {
    if (Object.values(texts).includes(event.target)) soon(700);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) soon(0);
  });
  // The PDF opens beside; the form stays as it is and is not counted as sent.
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "as") event.stopImmediatePropagation();
  }, true);

  let last = texts.template;
  for (const area of Object.values(texts)) area.addEventListener("focus", () => (last = area));
  document.addEventListener("click", (event) => {
    const wanted = event.target.closest("[data-insert]")?.dataset.insert;
    if (!wanted || last.readOnly) return;
    const text = last === texts.template ? `{{ ${wanted} }}` : wanted;
    last.setRangeText(text, last.selectionStart, last.selectionEnd, "end");
    last.focus();
    last.dispatchEvent(new Event("input", { bubbles: true }));
  });
  soon(200);
})();
