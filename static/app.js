// Everything here is comfort: each page works as plain links and forms without it. Nothing is evaluated, nothing is
// stored, and no request goes to another origin.
"use strict";
(() => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

  // ---------- htmx comes when somebody is about to use the page, or the page asks by itself ----------
  const self = document.currentScript;
  const signs = ["pointermove", "pointerdown", "keydown", "scroll"];
  const enhance = () => {
    for (const sign of signs) removeEventListener(sign, enhance, true);
    if (document.readyState !== "complete") return addEventListener("load", enhance, { once: true }); // it would wait for what has been
    // It asks every element for hx-on attributes, and that is most of the time it takes. Our policy forbids them, so its one
    // question of that kind finds nothing.
    const xpath = XPathEvaluator.prototype;
    const { createExpression } = xpath;
    xpath.createExpression = function (query, resolver) {
      if (!query.includes("hx-on")) return createExpression.call(this, query, resolver);
      xpath.createExpression = createExpression;
      return { evaluate: () => ({ iterateNext: () => null }) };
    };
    document.head.append(Object.assign(document.createElement("script"), { nonce: self.nonce, src: self.dataset.htmx }));
  };
  if ($("[hx-trigger^=every]")) enhance();
  else for (const sign of signs) addEventListener(sign, enhance, { capture: true, passive: true });

  // ---------- theme: show it at once, tell the server beside it ----------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const theme = event.submitter?.name === "theme" && event.submitter.value;
    if (!theme || !form.matches("[data-theme-form]")) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => form.submit());
    if (theme === "system") root.removeAttribute("data-theme");
    else root.dataset.theme = theme;
    for (const b of $$("button[name=theme]")) b.setAttribute("aria-pressed", String(b.value === theme));
    form.closest("details")?.removeAttribute("open");
  });

  // A form that was sent says so, and cannot be sent twice by an impatient hand.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    const busy = button?.dataset.busy;
    if (event.defaultPrevented || !busy) return;
    if (button.getAttribute("aria-busy") === "true") return event.preventDefault();
    button.setAttribute("aria-busy", "true");
    const words = $("[data-verb]", button);
    if (words) words.textContent = busy;
  });
  // The same for a form that htmx sends. Its button is as before when the answer is here, unless that leads elsewhere.
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const button = detail.elt.matches("form") && $("button[data-busy]", detail.elt);
    const words = button && $("[data-verb]", button);
    if (!words) return;
    button.setAttribute("aria-busy", "true");
    words.dataset.was ??= words.textContent;
    words.textContent = button.dataset.busy;
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const button = detail.elt.matches("form") && $("button[aria-busy=true]", detail.elt);
    const words = button && $("[data-was]", button);
    if (!words || detail.xhr.getResponseHeader("HX-Redirect")) return;
    button.removeAttribute("aria-busy");
    words.textContent = words.dataset.was;
  });

  // ---------- a sign-in that was asked to come back does so by itself; not all of them in the same second ----------
  let coming = 0;
  document.addEventListener("htmx:afterSwap", () => {
    clearInterval(coming);
    const notice = $("[data-retry]");
    const form = $("form[hx-post='/login']");
    if (!notice || !form) return;
    const due = Date.now() + notice.dataset.retry * 1000 * (1 + Math.random() / 5);
    coming = setInterval(() => {
      const left = Math.ceil((due - Date.now()) / 1000);
      if (left > 0) return ($("span", notice).textContent = left);
      clearInterval(coming);
      if (!form.elements.again) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "again" }));
      form.requestSubmit();
    }, 500);
  });
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.elt.matches("form[hx-post='/login']")) clearInterval(coming);
  });

  // An address holds what was asked for, not what was left empty.
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
  addEventListener("pageshow", () => $$("[aria-busy=true][data-busy]").forEach((b) => b.removeAttribute("aria-busy")));

  // ---------- tabs that do not fit scroll to the current one ----------
  for (const tab of $$(".tabs [aria-current]")) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 48;

  // ---------- a value to be entered elsewhere; browsers allow it on https and localhost only ----------
  const copying = () => $$("[data-copy]").forEach((button) => (button.parentElement.hidden = !navigator.clipboard));
  document.addEventListener("htmx:afterSwap", copying);
  copying();
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    navigator.clipboard.writeText(button.dataset.copy).then(() => ($("[data-verb]", button).textContent = "Copied"), () => {});
  });

  // ---------- menus and dialogs ----------
  const openMenus = () => $$("details[open]:has(> .menu)");
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const menu = opener.closest("details");
      if (menu) menu.open = false;
      if (menu) $("summary", menu).focus(); // there the focus returns to: the opener is out of sight
      document.getElementById(opener.dataset.dialog)?.showModal();
    }
    if (event.target.matches("dialog")) event.target.close(); // its backdrop
  });

  // ---------- keyboard ----------
  const places = { o: "/overview", a: "/accounts", t: "/transactions", c: "/connections" };
  let going = 0; // until when a letter after g counts
  const rows = () => $$("main a.row-link").filter((a) => a.offsetParent);
  const step = (by) => {
    const list = rows();
    const at = list.indexOf(document.activeElement);
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const search = () => {
    const field = $("main input[type=search]");
    if (!field) return location.assign(places.t + "#search");
    field.focus();
    field.select();
  };
  const single = { "/": search, j: () => step(1), k: () => step(-1), "?": () => $("#keys")?.showModal() };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of openMenus()) {
        menu.open = false;
        $("summary", menu).focus();
      }
      if (event.target.matches("input[type=search]")) {
        event.preventDefault(); // the browser would empty it
        event.target.blur(); // the single keys work again
      }
      return;
    }
    if (root.dataset.keys !== "on" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (going > Date.now() && places[event.key]) {
      going = 0;
      event.preventDefault();
      return location.assign(places[event.key]);
    }
    going = event.key === "g" ? Date.now() + 1500 : 0;
    if (Object.hasOwn(single, event.key)) {
      event.preventDefault();
      single[event.key]();
    }
  });
  if (location.hash === "#search") $("main input[type=search]")?.focus();

  // ---------- the value under the pointer: data-points holds "day<tab>value<tab>y" a line ----------
  const read = (plot) => (plot.points ??= plot.dataset.points.split("\n").map((line) => line.split("\t")));
  const leave = (plot) => $$(".c-pointer, .c-tip", plot).forEach((n) => n.remove());
  const point = (plot, clientX) => {
    const svg = $("svg", plot);
    const box = svg.getBoundingClientRect();
    const points = read(plot);
    const share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    const i = Math.round(share * (points.length - 1));
    const x = (i / (points.length - 1)) * box.width;
    leave(plot);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [k, v] of Object.entries({ class: "c-pointer", x1: x, x2: x, y1: 14, y2: plot.dataset.floor })) line.setAttribute(k, v);
    svg.append(line);
    const tip = document.createElement("div");
    tip.className = "c-tip";
    const value = document.createElement("b");
    value.textContent = points[i][1];
    tip.append(points[i][0] + " ", value);
    tip.setAttribute("aria-hidden", "true");
    plot.append(tip);
    const half = tip.offsetWidth / 2;
    tip.style.left = Math.min(plot.clientWidth - half, Math.max(half, x)) + "px";
  };
  document.addEventListener("pointermove", (event) => {
    const plot = event.target.closest?.("[data-points]");
    for (const other of $$("[data-points]:has(.c-tip)")) if (other !== plot) leave(other);
    if (plot) point(plot, event.clientX);
  });

  // ---------- transactions: a day that goes on over two pages keeps one head ----------
  document.addEventListener("htmx:afterSwap", () => {
    for (const part of $$("tbody[data-day]")) {
      const before = part.previousElementSibling;
      if (before?.dataset.day !== part.dataset.day) continue;
      before.append(...$$("tr:not(.day-row)", part));
      part.remove();
    }
  });
})();
