// Dashtam design tokens. One source: colours become CSS variables for both themes here,
// and utilities read the variables. static/input.css loads this file by @config; Tailwind 4 ignores it otherwise.
// Every text colour keeps 7:1 on paper, 6.6:1 at the least on a wash; field outlines 3:1.

const themes = {
  light: {
    paper: "#fbfaf6", //    the page
    sunk: "#f4f2ea", //     rail, hover, quiet fills
    raised: "#ffffff", //   inputs, menus, dialogs
    rule: "#e3dfd3", //     hairlines (decorative)
    "rule-2": "#c9c4b5", // button outline, total rules
    field: "#878275", //    input outline: 3:1 or better
    ink: "#1a1b17", //      text
    "ink-2": "#45443c", //  secondary text
    "ink-3": "#535047", //  captions, units, cents
    accent: "#14513a", //   the one accent: links, primary button, current place, chart line
    "accent-2": "#0d3a29", // pressed and hovered accent
    "on-accent": "#ffffff",
    wash: "#e6efe8", //     accent tint: selection, current row, chart area
    "tint-2": "#5f9079", // second and third asset share
    "tint-3": "#a9c6b6",
    info: "#234b73",
    "info-wash": "#ecf1f5",
    warn: "#6f4400",
    "warn-wash": "#f8f0de",
    need: "#8b2919",
    "need-wash": "#faefe9",
    off: "#535047",
    "off-wash": "#efede4",
    scrim: "#1a1b1766",
  },
  dark: {
    paper: "#121311",
    sunk: "#191a17",
    raised: "#1f201d",
    rule: "#2b2c28",
    "rule-2": "#43443e",
    field: "#7d7c72",
    ink: "#edebe3",
    "ink-2": "#c4c1b6",
    "ink-3": "#aaa79b",
    accent: "#86cfaa",
    "accent-2": "#a5dfc1",
    "on-accent": "#0a1f15",
    wash: "#182820",
    "tint-2": "#4f8a6d",
    "tint-3": "#2f5a46",
    info: "#a3c6ea",
    "info-wash": "#18222c",
    warn: "#e5bb70",
    "warn-wash": "#282114",
    need: "#f2a592",
    "need-wash": "#2e1b16",
    off: "#aaa79b",
    "off-wash": "#20211e",
    scrim: "#000000a6",
  },
};

const vars = (t) =>
  Object.fromEntries(Object.entries(t).map(([k, v]) => ["--" + k, v]));
const colors = Object.fromEntries(
  Object.keys(themes.light).map((k) => [k, `var(--${k})`]),
);

/** @type {import('tailwindcss').Config} */
module.exports = {
  // Class names stand in templates and in the Go beside them; generated files only repeat them.
  content: ["./views/**/*.templ", "./views/**/!(*_templ|*_test).go"],
  // <html data-theme="light|dark"> wins; without it the system decides.
  darkMode: ["selector", '[data-theme="dark"]'],
  theme: {
    screens: { sm: "480px", md: "768px", lg: "1024px", xl: "1200px" },
    colors: { transparent: "transparent", current: "currentColor", ...colors },
    fontFamily: {
      sans: ['"Inter Variable"', '"Inter Fallback"', "system-ui", "sans-serif"],
      mono: ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
    },
    // rem sizes, px line heights on the 4 px grid
    fontSize: {
      xs: ["0.75rem", { lineHeight: "1rem" }], //              12/16 captions, axis labels
      sm: ["0.8125rem", { lineHeight: "1.25rem" }], //         13/20 meta, table heads
      base: ["0.875rem", { lineHeight: "1.25rem" }], //        14/20 interface, tables
      md: ["0.9375rem", { lineHeight: "1.5rem" }], //          15/24 prose
      lg: ["1.0625rem", { lineHeight: "1.5rem", letterSpacing: "-0.01em" }], // 17/24 section heads
      xl: ["1.375rem", { lineHeight: "1.75rem", letterSpacing: "-0.017em" }], // 22/28 answers
      "2xl": ["1.75rem", { lineHeight: "2.25rem", letterSpacing: "-0.02em" }], // 28/36 account balance
      "3xl": ["2.75rem", { lineHeight: "3rem", letterSpacing: "-0.028em" }], //   44/48 net worth, once a page
    },
    fontWeight: { normal: "400", medium: "500", semibold: "600" },
    borderRadius: { none: "0", sm: "3px", DEFAULT: "5px", lg: "8px", full: "9999px" },
    boxShadow: { none: "none" },
    extend: {
      // 4 px grid: Tailwind's own spacing scale, plus the three page measures
      spacing: { rail: "14.5rem", "rail-icons": "4rem", tabbar: "4rem" },
      maxWidth: { page: "75rem", prose: "66ch", form: "25rem" },
      transitionDuration: { fast: "120ms", base: "180ms" },
      transitionTimingFunction: { calm: "cubic-bezier(0.2, 0, 0, 1)" },
    },
  },
  plugins: [
    ({ addBase }) =>
      addBase({
        ":root": { ...vars(themes.light), "color-scheme": "light" },
        "@media (prefers-color-scheme: dark)": {
          ':root:not([data-theme="light"])': { ...vars(themes.dark), "color-scheme": "dark" },
        },
        ':root[data-theme="dark"]': { ...vars(themes.dark), "color-scheme": "dark" },
      }),
  ],
};
module.exports.themes = themes;
