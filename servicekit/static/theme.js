/** Light or dark: as the system has it, until the viewer chooses. */

import { setAttribute } from "./dom.js";
import { preference, remember } from "./preferences.js";

const SCHEMES = { auto: "light dark", light: "light", dark: "dark" };
const THEMES = Object.keys(SCHEMES);

/** Apply the present choice and let `button` go through auto, light and dark. */
export function offerThemes(button, language) {
  if (!CSS.supports("color", "light-dark(red, blue)")) {
    button.hidden = true; // the colours of base.css are the light ones
    return;
  }
  let theme = preference("theme", THEMES) ?? "auto";
  const show = () => {
    document.documentElement.style.colorScheme = SCHEMES[theme];
    const label = `${language.text("theme")}: ${language.text(`theme_${theme}`)}`;
    button.dataset.theme = theme;
    setAttribute(button, "aria-label", label);
    setAttribute(button, "title", label);
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    remember("theme", theme);
    show();
  });
  language.onChange(show);
  show();
}
