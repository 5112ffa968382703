/* Signature pads: draw with finger, stylus or mouse; the drawing travels as a PNG data URL in a hidden input.

Markup (see the macro signature_field): [data-signature] holds a canvas, [data-signature-value] (hidden input),
[data-signature-undo], [data-signature-clear], [data-signature-hint] and, as the way without drawing, [data-signature-scan]
(file input). Strokes are kept as fractions of the pad's width, so turning the phone or resizing the window keeps them. */
(() => {
  "use strict";
  const EXPORT_WIDTH = 900;
  const INK = "#14213d";
  const LINE = 0.0042; // of the pad's width

  class Pad {
    constructor(root) {
      this.root = root;
      this.canvas = root.querySelector("canvas");
      this.value = root.querySelector("[data-signature-value]");
      this.scan = root.querySelector("[data-signature-scan]");
      this.undoButton = root.querySelector("[data-signature-undo]");
      this.clearButton = root.querySelector("[data-signature-clear]");
      this.hint = root.querySelector("[data-signature-hint]");
      this.strokes = [];
      this.stroke = null;
      this.pointer = null;
      this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
      this.canvas.addEventListener("pointermove", (event) => this.move(event));
      for (const name of ["pointerup", "pointercancel"]) {
        this.canvas.addEventListener(name, (event) => this.end(event));
      }
      this.undoButton?.addEventListener("click", () => this.change(() => this.strokes.pop()));
      this.clearButton?.addEventListener("click", () => this.change(() => (this.strokes = [])));
      this.scan?.addEventListener("change", () => this.say());
      root.closest("form")?.addEventListener("submit", (event) => this.submit(event));
      root.closest("form")?.addEventListener("formdata", () => this.write());
      new ResizeObserver(() => this.fit()).observe(this.canvas);
      this.fit();
    }

    fit() {
      const box = this.canvas.getBoundingClientRect();
      if (!box.width) return; // in a closed dialog; the observer calls again when it opens
      const ratio = Math.min(window.devicePixelRatio || 1, 3);
      this.canvas.width = Math.round(box.width * ratio);
      this.canvas.height = Math.round(box.height * ratio);
      this.draw(this.canvas);
    }

    point(event) {
      const box = this.canvas.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width;
      const y = (event.clientY - box.top) / box.width;
      const pressure = event.pointerType === "pen" && event.pressure ? 0.5 + event.pressure : 1;
      return [x, y, pressure];
    }

    begin(event) {
      if (this.pointer !== null || (event.pointerType === "mouse" && event.button !== 0)) return;
      event.preventDefault();
      this.pointer = event.pointerId;
      this.canvas.setPointerCapture(event.pointerId);
      this.stroke = [this.point(event)];
      this.strokes.push(this.stroke);
      this.draw(this.canvas);
    }

    move(event) {
      if (event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const step of events.length ? events : [event]) this.stroke.push(this.point(step));
      this.draw(this.canvas);
    }

    end(event) {
      if (event.pointerId !== this.pointer) return;
      this.pointer = this.stroke = null;
      this.write();
      this.say();
    }

    change(work) {
      work();
      this.draw(this.canvas);
      this.write();
      this.say();
    }

    draw(canvas, height = canvas.height) {
      const pen = canvas.getContext("2d");
      const width = canvas.width;
      pen.clearRect(0, 0, width, height);
      pen.strokeStyle = pen.fillStyle = INK;
      pen.lineCap = pen.lineJoin = "round";
      for (const stroke of this.strokes) {
        const [first] = stroke;
        pen.lineWidth = Math.max(1, LINE * width * first[2]);
        pen.beginPath();
        if (stroke.length === 1) {
          pen.arc(first[0] * width, first[1] * width, pen.lineWidth, 0, 2 * Math.PI);
          pen.fill();
          continue;
        }
        pen.moveTo(first[0] * width, first[1] * width);
        for (let i = 1; i < stroke.length; i++) {
          const [x, y] = stroke[i];
          const [px, py] = stroke[i - 1];
          pen.quadraticCurveTo(px * width, py * width, ((px + x) / 2) * width, ((py + y) / 2) * width);
        }
        const last = stroke[stroke.length - 1];
        pen.lineTo(last[0] * width, last[1] * width);
        pen.stroke();
      }
    }

    /** The drawing as it lies in the hidden input: a picture of fixed width, empty when nothing is drawn. */
    write() {
      if (!this.strokes.length) {
        this.value.value = "";
        return;
      }
      const picture = document.createElement("canvas");
      const lowest = Math.max(...this.strokes.flat().map((point) => point[1]));
      const shape = this.canvas.height / this.canvas.width || 0.4;
      picture.width = EXPORT_WIDTH;
      picture.height = Math.ceil(EXPORT_WIDTH * Math.max(shape, lowest + 0.02));
      this.draw(picture);
      this.value.value = picture.toDataURL("image/png");
    }

    get given() {
      return this.strokes.length > 0 || (this.scan?.files.length ?? 0) > 0;
    }

    say() {
      this.root.classList.toggle("is-signed", this.strokes.length > 0);
      if (this.given && this.hint) this.hint.hidden = true;
      for (const button of [this.undoButton, this.clearButton]) if (button) button.disabled = !this.strokes.length;
    }

    submit(event) {
      this.write();
      if (this.given || event.submitter?.formNoValidate) return;
      event.preventDefault();
      if (this.hint) this.hint.hidden = false;
      this.canvas.scrollIntoView({ block: "center" });
    }
  }

  const start = (part) => {
    const found = part.matches?.("[data-signature]") ? [part] : part.querySelectorAll?.("[data-signature]") ?? [];
    for (const root of found) root.signaturePad ??= new Pad(root);
  };
  const begin = () => start(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
  document.addEventListener("htmx:load", (event) => start(event.target));
})();
