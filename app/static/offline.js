// What pages of a phone share where the network comes and goes: sending that tries again, an outbox that survives a
// reload, and photos made smaller as they are taken. A page's own script uses it as `offline`.
window.offline = (() => {
  "use strict";
  const csrf = document.querySelector('meta[name="csrf-token"]')?.content;

  // One POST. `ok`: the server took it and `json` is its answer; `login`: the session is over; status 0: no network.
  async function post(address, body, patience = 15000) {
    try {
      const answer = await fetch(address, {
        method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": csrf }, signal: AbortSignal.timeout(patience),
      });
      const json = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : null;
      const login = answer.redirected || answer.status === 400 || answer.status === 401;
      return { status: answer.status, ok: answer.ok && json !== null, json, login };
    } catch {
      return { status: 0, ok: false, json: null, login: false };
    }
  }

  // Runs `work` once at a time. It returns { left, note }: left "more" goes on at once, "later" after a growing pause,
  // "" ends. After each run `told(note, slow)` hears how it stands. Also runs when the network or the reader comes back.
  function sender(work, told) {
    let running = false;
    let pause = 0;
    let timer = 0;
    async function run() {
      if (running) return;
      clearTimeout(timer);
      running = true;
      const { left, note } = await work();
      running = false;
      pause = left === "later" ? Math.min(pause ? pause * 2 : 1000, 30000) : 0;
      told(note ?? "", pause > 0);
      if (left) timer = setTimeout(run, pause);
    }
    function again() {
      pause = 0;
      run();
    }
    window.addEventListener("online", again);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && again());
    return run;
  }

  // Entries with a `token`, photos included, kept in this browser until they are taken away.
  function outbox(name) {
    const opened = new Promise((done, failed) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("entries", { keyPath: "token" });
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    async function use(mode, work) {
      const database = await opened;
      return new Promise((done, failed) => {
        const change = database.transaction("entries", mode);
        const request = work(change.objectStore("entries"));
        change.oncomplete = () => done(request.result);
        change.onabort = change.onerror = () => failed(change.error);
      });
    }
    return {
      put: (entry) => use("readwrite", (store) => store.put(entry)),
      remove: (token) => use("readwrite", (store) => store.delete(token)),
      all: () => use("readonly", (store) => store.getAll()),
    };
  }

  // Photos: made smaller before they travel, shown as thumbnails; each shot is kept while the next is taken.

  const LONGEST = 2000;
  async function smaller(file) {
    if (!file.type.startsWith("image/") || file.size < 600_000) return file;
    try {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      return blob && blob.size < file.size ? new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }) : file;
    } catch {
      return file;
    }
  }

  function thumbnails(list, files) {
    list.replaceChildren(
      ...files.map((file) => {
        const place = document.createElement("li");
        const picture = document.createElement("img");
        picture.src = URL.createObjectURL(file);
        picture.alt = file.name;
        picture.onload = () => URL.revokeObjectURL(picture.src);
        place.append(picture);
        return place;
      }),
    );
  }

  // `box`: the element of the macro photo_input. `box.shots()` gives the photos; `box.show(files)` starts over with some.
  function photos(box) {
    const list = box.querySelector("[data-taken]");
    const shots = new Map();
    box.shots = () => [...shots.values()].flat();
    box.show = (files) => {
      shots.clear();
      for (const input of box.querySelectorAll("input[type=file]")) input.value = "";
      if (files.length) shots.set(null, files);
      thumbnails(list, files);
    };
    for (const input of box.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", async () => {
        const taken = await Promise.all([...input.files].map(smaller));
        const before = "several" in input.dataset ? shots.get(input) ?? [] : [];
        shots.set(input, taken.length || !before.length ? [...before, ...taken] : before);
        const held = new DataTransfer();
        for (const file of shots.get(input)) held.items.add(file);
        if ("several" in input.dataset) input.multiple = true;
        input.files = held.files;
        thumbnails(list, box.shots());
      });
    }
  }

  return { post, sender, outbox, photos };
})();
