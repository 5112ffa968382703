// Reads the QR code of a pass with the phone's camera where the browser can; without it the number is typed.
(() => {
  "use strict";
  const place = document.querySelector("[data-gate-camera]");
  if (!place || !("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  const button = place.querySelector("[data-gate-scan]");
  const video = place.querySelector("video");
  const said = place.querySelector("[data-gate-said]");
  const form = document.querySelector("[data-gate-form]");
  let stream = null;
  place.hidden = false;

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    button.hidden = false;
  }

  async function look(detector) {
    while (stream) {
      const [code] = await detector.detect(video).catch(() => []);
      if (code?.rawValue) {
        stop();
        form.elements.text.value = code.rawValue.split("/").pop();
        form.requestSubmit();
        return;
      }
      await new Promise((done) => setTimeout(done, 150));
    }
  }

  button.addEventListener("click", async () => {
    try {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      video.hidden = false;
      button.hidden = true;
      await video.play();
      look(detector);
    } catch {
      stop();
      said.textContent = place.dataset.unreadable;
    }
  });
  addEventListener("pagehide", stop);
})();
