// SPDX-License-Identifier: Apache-2.0
// Every text that is seen, against what it stands on: WCAG 2.2, 1.4.3 (4.5 to 1).
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** Any colour that CSS knows, as red, green, blue and opacity. */
  function rgba(color) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }

  function luminance([r, g, b]) {
    const [x, y, z] = [r, g, b].map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  }

  function ground(element) {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0.99) {
        return color;
      }
    }
    return [255, 255, 255, 1];
  }

  const faint = [];
  let looked = 0;
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const inactive = element.closest(":disabled, [aria-disabled=true]");
    if (!text || inactive || !element.checkVisibility()) {
      continue;
    }
    looked++;
    const [light, dark] = [luminance(rgba(getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) {
      faint.push(`${element.tagName} ${element.className} "${element.textContent.slice(0, 40)}": ${ratio.toFixed(2)}`);
    }
  }
  return { looked, faint };
})();
