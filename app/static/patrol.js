// The round of the sites: a visit is kept in this phone first and sent when the network is there, photos included. Each has
// a token, so that the server keeps it once however often it is sent. Without this script the form of a visit is a page.
(() => {
  "use strict";
  const round = document.getElementById("round");
  const form = document.querySelector("[data-visit]");

  // The form

  const chosen = (name) => form.querySelector(`[name="${name}"]:checked`);
  const points = form ? [...form.querySelectorAll("[data-point]")] : [];
  const results = () => points.map((point) => chosen(`point-${point.dataset.point}`)?.value ?? "");

  function demand() {
    const unseen = chosen("stage")?.hasAttribute("data-unseen");
    for (const radio of form.querySelectorAll(".pat-point input")) radio.required = Boolean(chosen("stage")) && !unseen;
    const findings = form.elements.findings;
    findings.required = chosen("stage")?.value === "refused" || results().includes("violation");
    form.querySelector("[data-rest]").hidden = results().every(Boolean);
    const [there, passes] = [form.elements.persons, form.elements.persons_with_pass];
    passes.setCustomValidity(Number(passes.value || 0) > Number(there.value || 0) ? `≤ ${there.value || 0}` : "");
  }

  function prepare() {
    for (const box of form.querySelectorAll("[data-photos]")) offline.photos(box);
    form.addEventListener("input", demand);
    form.querySelector("[data-rest]").addEventListener("click", () => {
      for (const point of points) {
        const name = `point-${point.dataset.point}`;
        if (!chosen(name)) form.querySelector(`[name="${name}"][value="ok"]`).checked = true;
      }
      demand();
    });
    demand();
  }

  if (!form) return;
  prepare();
  if (!round) return;

  // The round

  const dialog = document.getElementById("visit");
  const box = form.querySelector("[data-photos]");
  const sites = new Map([...round.querySelectorAll("[data-site]")].map((site) => [site.dataset.site, site]));
  const kept = offline.outbox(`guanjia-visits-${round.dataset.user}`);
  let open = null; // the entry in the form

  const token = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  function outside() {
    const now = new Date();
    const minute = `${String(now.getHours()).padStart(2, "0")}:${String(now.getMinutes()).padStart(2, "0")}`;
    const spans = round.dataset.spans.trim().split(" ").filter(Boolean).map((span) => span.split("-"));
    form.querySelector("[data-outside]").hidden = spans.some(([from, to]) => from <= minute && minute < to);
  }

  function fill(entry) {
    form.reset();
    open = entry;
    document.getElementById("visit-title").textContent = entry.title;
    for (const [name, value] of entry.fields) {
      const field = form.elements[name];
      if (field) field.value = value;
    }
    box.show(entry.photos);
    const refusal = form.querySelector("[data-refusal]");
    refusal.hidden = !entry.refused;
    refusal.textContent = entry.refused ? `${round.dataset.refused} ${entry.refused}` : "";
    outside();
    demand();
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  round.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-open]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const site = link.closest("[data-site]");
    const refused = (await kept.all()).find((entry) => entry.site === site.dataset.site && entry.refused);
    const stage = ["refused", "nobody"].includes(link.dataset.stage) ? "" : link.dataset.stage;
    fill(
      refused ?? {
        token: token(), site: site.dataset.site, title: site.dataset.title, address: link.dataset.address,
        fields: stage ? [["stage", stage]] : [], photos: [], refused: "",
      },
    );
  });

  dialog.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-close]")) return;
    if (open.refused && confirm(round.dataset.drop)) await kept.remove(open.token);
    dialog.close();
    draw();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const guards = ["csrf_token", "submit_token", "token", "photo"];
    const fields = [...new FormData(form)].filter(([name]) => !guards.includes(name));
    const entry = { ...open, fields, photos: box.shots(), at: open.at ?? Date.now(), refused: "" };
    try {
      await kept.put(entry);
    } catch {
      const refusal = form.querySelector("[data-refusal]");
      refusal.hidden = false;
      refusal.textContent = round.dataset.full;
      return;
    }
    dialog.close();
    await draw();
    send();
  });

  // Sending: the oldest first, one at a time.

  async function sendOne() {
    const waiting = (await kept.all()).filter((entry) => !entry.refused).sort((one, other) => one.at - other.at);
    if (!waiting.length) return { left: "" };
    const entry = waiting[0];
    const body = new FormData();
    for (const [name, value] of entry.fields) body.append(name, value);
    body.append("token", entry.token);
    body.append("ago", String(Math.max(0, Math.round((Date.now() - entry.at) / 1000))));
    for (const photo of entry.photos) body.append("photo", photo, photo.name);
    const answer = await offline.post(entry.address, body, 90000);
    if (answer.ok) {
      await kept.remove(entry.token);
      done(entry, answer.json);
    } else if (answer.status === 422 || answer.status === 404) {
      await kept.put({ ...entry, refused: answer.json?.refused?.join(" ") || round.dataset.gone });
    } else {
      await draw();
      return { left: "later", note: answer.login ? round.dataset.login : "" };
    }
    await draw();
    return { left: waiting.length > 1 ? "more" : "" };
  }

  function done(entry, answer) {
    const site = sites.get(entry.site);
    if (!site) return;
    site.classList.add("is-done");
    site.querySelector("[data-mark]").textContent = `✓ ${answer.said}`;
    site.querySelector("[data-after]").replaceChildren(
      ...answer.notices.map((notice) => {
        const link = document.createElement("a");
        link.className = "btn btn-outline-danger";
        link.href = notice.address;
        link.textContent = round.dataset.notice.replace("{point}", notice.title);
        return link;
      }),
    );
  }

  // How it stands

  const bar = document.querySelector(".ins-bar");
  let said = "";

  async function draw() {
    const entries = await kept.all();
    for (const [number, site] of sites) {
      const mine = entries.filter((entry) => entry.site === number);
      const refused = mine.find((entry) => entry.refused);
      const waiting = mine.some((entry) => !entry.refused);
      site.classList.toggle("is-waiting", waiting);
      site.classList.toggle("is-refused", Boolean(refused));
      if (refused) site.querySelector("[data-mark]").textContent = `${round.dataset.refused} ${refused.refused}`;
      else if (waiting) site.querySelector("[data-mark]").textContent = round.dataset.unsent;
    }
    const lost = entries.filter((entry) => !sites.has(entry.site));
    const elsewhere = round.querySelector("[data-elsewhere]");
    elsewhere.hidden = !lost.length;
    elsewhere.firstElementChild.replaceChildren(
      ...lost.map((entry) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn w-100";
        button.textContent = `${entry.title}: ${entry.refused || round.dataset.unsent}`;
        button.addEventListener("click", () => fill(entry));
        return button;
      }),
    );
    const open = entries.length;
    bar.classList.toggle("is-waiting", open > 0);
    bar.querySelector("[data-all]").textContent = `${[...sites.values()].filter((site) => site.matches(".is-done")).length}/${sites.size}`;
    bar.querySelector("[data-state]").textContent =
      [said, open ? round.dataset.waiting.replace("{n}", open) : ""].filter(Boolean).join(" ") || round.dataset.saved;
  }

  const send = offline.sender(sendOne, (note) => {
    said = note;
    draw();
  });
  draw().then(send);
})();
