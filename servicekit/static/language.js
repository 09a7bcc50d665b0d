/** The two languages of the pages, and how numbers and times read in them. */

import { setAttribute, setText } from "./dom.js";
import { preference, remember } from "./preferences.js";

const LOCALES = { en: "en-GB", zh: "zh-CN" };
const CODES = Object.keys(LOCALES);
const SHARED = {
  en: {
    language: "中文",
    last_hour: "Last hour",
    no_record: "No record",
    theme: "Colours",
    theme_auto: "as the system",
    theme_light: "light",
    theme_dark: "dark",
  },
  zh: {
    language: "English",
    last_hour: "最近一小时",
    no_record: "无记录",
    theme: "配色",
    theme_auto: "跟随系统",
    theme_light: "浅色",
    theme_dark: "深色",
  },
};
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

/** The chosen language, at first that of the browser. `texts` is `{en: {key: text}, zh: {…}}` of the page. */
export class Language {
  #texts;
  #listeners = new Set();
  #formats = new Map();

  constructor(texts) {
    this.#texts = Object.fromEntries(CODES.map((code) => [code, { ...SHARED[code], ...texts[code] }]));
    this.code = preference("lang", CODES) ?? ofBrowser();
    this.#apply();
  }

  /** Call `listener` after each change of the language. */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /** Go to the other language, and keep that for the next visit. */
  toggle() {
    this.code = CODES[(CODES.indexOf(this.code) + 1) % CODES.length];
    remember("lang", this.code);
    this.#apply();
    this.#listeners.forEach((listener) => listener());
  }

  has(key) {
    return key in this.#texts[this.code];
  }

  /** Return the text of `key`, with `{name}` replaced by `values.name`. */
  text(key, values = {}) {
    return this.#texts[this.code][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  state(state) {
    return state[this.code];
  }

  number(value, digits = 0) {
    return this.#format(`n${digits}`, () => new Intl.NumberFormat(this.#locale, { maximumFractionDigits: digits })).format(value);
  }

  /** A count, rounded when it is long. */
  count(value) {
    if (value < 100_000) return this.number(value);
    const options = { notation: "compact", maximumSignificantDigits: 4 };
    return this.#format("c", () => new Intl.NumberFormat(this.#locale, options)).format(value);
  }

  /** A share from 0 to 1. */
  percent(share) {
    const options = { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 };
    return this.#format(`p${options.maximumFractionDigits}`, () => new Intl.NumberFormat(this.#locale, options)).format(share);
  }

  /** A time of day, from milliseconds since 1970. */
  clock(time) {
    return this.#format("t", () => new Intl.DateTimeFormat(this.#locale, { timeStyle: "medium", hourCycle: "h23" })).format(time);
  }

  /** A time of day to the minute, with the date unless that is today's. */
  moment(time) {
    const isToday = new Date(time).toDateString() === new Date().toDateString();
    const date = isToday ? {} : { month: "short", day: "numeric" };
    const options = { ...date, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    return this.#format(isToday ? "m" : "d", () => new Intl.DateTimeFormat(this.#locale, options)).format(time);
  }

  /** A duration in milliseconds, in its two largest units; `display` is "short" or "narrow". */
  duration(milliseconds, display = "short") {
    const whole = Math.max(0, Math.round(milliseconds / 1000)) * 1000;
    const first = UNITS.findIndex(([, size]) => whole >= size);
    if (first < 0) return this.#unit("second", 0, display);
    const [unit, size] = UNITS[first];
    const [next, nextSize] = UNITS[first + 1] ?? [null, 1];
    const rest = Math.floor((whole % size) / nextSize);
    const large = this.#unit(unit, Math.floor(whole / size), display);
    return next && rest ? `${large} ${this.#unit(next, rest, display)}` : large;
  }

  get #locale() {
    return LOCALES[this.code];
  }

  #unit(unit, count, unitDisplay) {
    const options = { style: "unit", unit, unitDisplay };
    return this.#format(unit + unitDisplay, () => new Intl.NumberFormat(this.#locale, options)).format(count);
  }

  #format(kind, make) {
    const key = this.code + kind;
    if (!this.#formats.has(key)) this.#formats.set(key, make());
    return this.#formats.get(key);
  }

  #apply() {
    document.documentElement.lang = LOCALES[this.code];
    for (const target of document.querySelectorAll("[data-text]")) setText(target, this.text(target.dataset.text));
    for (const target of document.querySelectorAll("[data-label]")) {
      setAttribute(target, "aria-label", this.text(target.dataset.label));
    }
    for (const target of document.querySelectorAll("[data-placeholder]")) {
      setAttribute(target, "placeholder", this.text(target.dataset.placeholder));
    }
  }
}

/** Let `button` switch the language. */
export function offerLanguages(button, language) {
  const other = () => setAttribute(button, "lang", language.code === "en" ? "zh-CN" : "en");
  button.addEventListener("click", () => language.toggle());
  language.onChange(other);
  other();
}

function ofBrowser() {
  const first = navigator.languages.find((tag) => CODES.includes(tag.slice(0, 2)));
  return first ? first.slice(0, 2) : "en";
}
