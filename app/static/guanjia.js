// Behaviour of every page. Pages work without it; it adds speed, keys and care for what was typed.
(() => {
  "use strict";
  const words = document.getElementById("words")?.dataset ?? {};
  const csrf = document.querySelector('meta[name="csrf-token"]')?.content;
  const each = (root, selector, work) => root.querySelectorAll(selector).forEach(work);

  // Keys: "/" goes to the search box, Escape leaves it.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable], .ts-control");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const box = document.querySelector("[data-search-box]");
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    } else if (event.key === "Escape" && event.target.matches?.("[data-search-box], .gj-found *")) {
      event.target.blur();
    }
  });

  // The summary of mistakes leads into the field, also where a searching select stands for it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('.alert a[href^="#"]');
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    (field.tomselect ?? field).focus();
  });

  // Arrows walk from the search box through what was found, and back.
  document.addEventListener("keydown", (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const area = event.target.closest?.("[data-hits]");
    if (!way || !area) return;
    const places = [area.querySelector("[type=search]"), ...area.querySelectorAll(".search-hit")];
    const next = places[places.indexOf(event.target) + way];
    if (!next || !places.includes(event.target)) return;
    event.preventDefault();
    next.focus();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  // Light or dark, remembered on this device.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const theme = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    document.documentElement.dataset.bsTheme = theme;
    localStorage.setItem("theme", theme);
  });

  // Menu groups stay as the person left them.
  each(document, "details[data-menu]", (group) => {
    const key = `menu:${group.dataset.menu}`;
    if (localStorage.getItem(key) === "closed" && !("active" in group.dataset)) group.open = false;
    group.addEventListener("toggle", () => localStorage.setItem(key, group.open ? "open" : "closed"));
  });
  if (matchMedia("(min-width: 992px)").matches) each(document, "details[data-wide-open]", (part) => (part.open = true));

  // Confirmation: the form is sent only by "yes" in its own dialog; closing it any other way forgets the form.
  let waiting = null;
  const dialog = document.getElementById("confirm");
  const asked = new WeakSet();
  dialog?.addEventListener("close", () => {
    const { form, submitter } = waiting ?? {};
    waiting = null;
    if (form && dialog.returnValue === "yes") {
      asked.add(form);
      form.requestSubmit(submitter);
    }
    dialog.returnValue = "";
  });
  const confirming = (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (!question || !dialog || asked.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // nobody else, htmx neither, sends it before the answer
    document.getElementById("confirm-text").textContent = question;
    waiting = { form, submitter: event.submitter };
    dialog.returnValue = "";
    dialog.showModal();
  };
  document.addEventListener("submit", confirming, true);

  // A form is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => each(form, "button:not([type=button])", (button) => (button.disabled = true)));
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    each(document, "form[data-sent]", (form) => {
      delete form.dataset.sent;
      each(form, "button", (button) => (button.disabled = false));
    });
  });

  // Drafts: what is typed into a form outlives an expired session; kept in this tab only, personal data never.
  const drafted = (field) => field.name && !["hidden", "password", "file"].includes(field.type) && !field.dataset.private;
  function addRow(rows) {
    const last = [...rows.querySelectorAll("[data-row]")].at(-1);
    const line = last.cloneNode(true);
    const number = rows.querySelectorAll("[data-row]").length + 1;
    each(line, "input", (input) => {
      input.value = "";
      input.removeAttribute("value");
      input.removeAttribute("id");
      input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+$/, number));
    });
    last.after(line);
    return line;
  }
  document.addEventListener("click", (event) => {
    const rows = event.target.closest("[data-add-row]")?.closest("[data-rows]");
    if (rows) addRow(rows).querySelector("input").focus();
  });

  function keepDraft(form) {
    const key = `draft:${location.pathname}:${form.getAttribute("action") ?? ""}`;
    const fields = () => [...form.elements].filter(drafted);
    const state = (field) => (["checkbox", "radio"].includes(field.type) ? field.checked : field.value);
    const first = JSON.stringify(fields().map((field) => [field.name, state(field)]));
    const answered = form.querySelector(".is-invalid") || document.querySelector("[data-focus-first]");
    const kept = sessionStorage.getItem(key);
    if (kept && !answered && kept !== first) {
      const values = JSON.parse(kept);
      each(form, "[data-rows]", (rows) => {
        const name = rows.querySelector("input").name;
        while (rows.querySelectorAll("input").length < values.filter(([kept]) => kept === name).length) addRow(rows);
      });
      fields().forEach((field, place) => {
        const [name, value] = values[place] ?? [];
        if (name !== field.name) return;
        if (typeof value === "boolean") field.checked = value;
        else if (field.matches("select[data-lookup]") && value && ![...field.options].some((o) => o.value === value)) {
          field.add(new Option(values[place][2] ?? value, value, true, true));
        } else field.value = value;
      });
      const note = document.createElement("div");
      note.className = "alert alert-info";
      note.setAttribute("role", "status");
      const discard = document.createElement("button");
      discard.type = "button";
      discard.className = "btn btn-sm ms-auto";
      discard.textContent = words.discard;
      discard.addEventListener("click", () => {
        sessionStorage.removeItem(key);
        location.reload();
      });
      note.append(document.createTextNode(words.restored), discard);
      form.before(note);
    }
    const store = () => {
      const now = fields().map((field) => [field.name, state(field), field.selectedOptions?.[0]?.text]);
      const changed = JSON.stringify(now.map(([name, value]) => [name, value])) !== first;
      if (changed) sessionStorage.setItem(key, JSON.stringify(now));
      else sessionStorage.removeItem(key);
    };
    form.addEventListener("input", store);
    form.addEventListener("change", store);
    form.addEventListener("submit", () => sessionStorage.setItem("draft:sent", key));
  }
  // A form that was sent, was not refused and did not end at the login or an error page was saved: its draft goes.
  const sent = sessionStorage.getItem("draft:sent");
  if (sent && document.getElementById("words")) {
    sessionStorage.removeItem("draft:sent");
    const refused = document.querySelector(".is-invalid, [data-focus-first], .gj-flashes .alert-danger, .gj-flashes .alert-warning");
    const from = document.referrer ? new URL(document.referrer).pathname : "";
    const returned = performance.getEntriesByType("navigation")[0]?.type !== "navigate";
    if (!refused && !returned && !from.startsWith("/login")) sessionStorage.removeItem(sent);
  }

  // Selects that search on the server, and multiple choices.
  function lookup(select) {
    if (select.tomselect || !window.TomSelect) return;
    const address = (query, page) => {
      const url = new URL(select.dataset.lookup, location.origin);
      url.searchParams.set("q", query);
      url.searchParams.set("page", page);
      return url.toString();
    };
    const next = new Map();
    const box = new window.TomSelect(select, {
      valueField: "value", labelField: "text", searchField: [], maxOptions: 500, preload: "focus", allowEmptyOption: false,
      plugins: ["virtual_scroll", "clear_button"], placeholder: select.dataset.placeholder ?? words.choose,
      firstUrl: (query) => address(query, 1),
      shouldLoad: () => true,
      onType() {
        this.clearOptions(); // Enter never takes a leftover of the former search
      },
      score: () => () => 1,
      load(query, done) {
        const url = this.getUrl(query);
        fetch(url, { headers: { Accept: "application/json" } })
          .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
          .then((found) => {
            if (found.more) {
              const page = (next.get(query) ?? 1) + 1;
              next.set(query, page);
              this.setNextUrl(query, address(query, page));
            }
            done(found.items);
          })
          .catch(() => done());
      },
      render: {
        loading: () => message(words.searching),
        loading_more: () => message(words.more),
        no_results: () => message(words.nothing),
        no_more_results: () => document.createElement("span"),
      },
    });
    speak(select, box);
  }
  // The visible input speaks for the select behind it.
  function speak(select, box) {
    select.setAttribute("aria-hidden", "true");
    for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) {
      if (select.hasAttribute(name)) box.control_input.setAttribute(name, select.getAttribute(name));
    }
  }
  function message(text) {
    const line = document.createElement("div");
    line.className = "no-results";
    line.textContent = text;
    return line;
  }
  function enhance(root) {
    each(root, "select[data-lookup]", lookup);
    each(root, "select[data-choices]", (select) => {
      if (select.tomselect || !window.TomSelect) return;
      speak(select, new window.TomSelect(select, { plugins: ["remove_button"], maxOptions: null }));
    });
  }

  // Lines chosen for a command: one by one, a stretch with Shift, the page, or all that match.
  const bulk = document.querySelector("form[data-bulk]");
  if (bulk) {
    const lines = [...document.querySelectorAll("[data-pick]")];
    const page = document.querySelector("[data-pick-page]");
    const count = bulk.querySelector("[data-bulk-count]");
    const whole = bulk.querySelector("[data-bulk-all]");
    const none = bulk.querySelector("[data-bulk-none]");
    let last = null;
    const show = () => {
      const chosen = lines.filter((line) => line.checked).length;
      const all = bulk.elements.all.value === "yes";
      bulk.hidden = !chosen;
      count.textContent = all ? count.dataset.all : chosen === 1 ? count.dataset.one : count.dataset.some.replace("{count}", chosen);
      page.checked = chosen === lines.length;
      page.indeterminate = chosen > 0 && chosen < lines.length;
      if (whole) whole.hidden = all || chosen < lines.length;
      none.hidden = !chosen;
    };
    const set = (checked, all = "") => {
      lines.forEach((line) => (line.checked = checked));
      bulk.elements.all.value = all;
      show();
    };
    lines.forEach((line, place) => {
      line.addEventListener("click", (event) => {
        if (event.shiftKey && last !== null) {
          const [from, to] = [Math.min(last, place), Math.max(last, place)];
          lines.slice(from, to + 1).forEach((other) => (other.checked = line.checked));
        }
        last = place;
        bulk.elements.all.value = "";
        show();
      });
    });
    page.addEventListener("change", () => set(page.checked));
    whole?.addEventListener("click", () => set(true, "yes"));
    none.addEventListener("click", () => set(false));
    window.addEventListener("pageshow", () => show());
  }

  document.addEventListener("DOMContentLoaded", () => {
    each(document, "form[data-draft]", keepDraft);
    enhance(document);
    document.querySelector("[data-focus-first]")?.focus();
    const shown = document.querySelector("[data-scroll-here]"); // the step shown, in a row that scrolls sideways
    if (shown) shown.parentElement.scrollLeft = shown.offsetLeft - shown.parentElement.offsetLeft - 16;
  });
  // A refused request (422) answers with the form and its messages; show it like any other answer.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status === 422) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
  document.addEventListener("htmx:configRequest", (event) => {
    if (csrf) event.detail.headers["X-CSRFToken"] = csrf;
  });
})();
