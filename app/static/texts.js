// Editor of standing texts: buttons that change the structure redraw the form in place instead of the whole page.
(() => {
  "use strict";
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("#editor");
    const command = event.submitter?.value ?? "";
    if (!form || ["save", "publish"].includes(command)) return;
    event.stopPropagation();
    if (command === "preview") return; // opens beside; the form stays usable
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const drawn = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("editor");
      if (!answer.ok || !drawn) throw new Error(answer.statusText);
      form.replaceWith(document.adoptNode(drawn));
    } catch {
      const plain = document.createElement("input");
      Object.assign(plain, { type: "hidden", name: "do", value: command });
      form.append(plain);
      form.submit();
    }
  }, true);
})();
