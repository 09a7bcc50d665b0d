/** Return the texts below `root` whose contrast with their ground is less than 4.5, as "text: ratio". */
(root) => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** Return [red, green, blue], 0 to 1, of `colours` painted over each other. */
  function painted(colours) {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
    }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => byte / 255);
  }

  function luminance(colours) {
    const linear = painted(colours).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }

  function contrast(element) {
    const grounds = [];
    for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const [low, high] = [luminance(grounds), luminance([...grounds, getComputedStyle(element).color])].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  return [...root.querySelectorAll("*")]
    .filter((each) => each.checkVisibility() && [...each.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .filter((each) => contrast(each) < 4.5)
    .map((each) => `${each.textContent}: ${contrast(each).toFixed(2)}`);
};
