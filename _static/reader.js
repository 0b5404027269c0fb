/* What a reader predicts, answers and has read is kept in this browser and sent nowhere. Where nothing can be kept (a private
   window may refuse), the page reads the same. */
(() => {
  "use strict";

  // pages on a disk may not read each other, so the search there shows titles without the words around what it found
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  const PREFIX = "tinylm:";
  const storage = (() => {
    try {
      localStorage.setItem(PREFIX, "");
      localStorage.removeItem(PREFIX);
      return localStorage;
    } catch {
      return null; // refused or full
    }
  })();

  const keep = (name, value) => {
    try {
      if (value) storage.setItem(PREFIX + name, value);
      else storage.removeItem(PREFIX + name);
      return true;
    } catch {
      return false; // full
    }
  };

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
  const nameOf = (url) => new URL(url, location.href).pathname.replace(root.pathname, "");
  const here = nameOf(location.pathname);

  /** A place for the reader's own answer in each box that asks for a prediction. */
  function predictions() {
    document.querySelectorAll("#predict-first .admonition").forEach((box, number) => {
      const name = `prediction:${here}:${number}`;
      const id = `prediction-${number}`;
      const note = make("span", { className: "prediction-note" }, "Kept in this browser only.");
      const field = make("textarea", { id, rows: 2, value: storage.getItem(PREFIX + name) ?? "" });
      field.addEventListener("input", () => {
        note.textContent = keep(name, field.value)
          ? "Kept in this browser only."
          : "Not kept: this browser's storage is full.";
      });
      box.append(make("p", { className: "prediction" }, make("label", { htmlFor: id }, "Your answer"), field, note));
    });
  }

  /** A mark beside each page that the reader has called read, and a button at its end to say so. */
  function progress() {
    const links = [...document.querySelectorAll("nav.bd-links a.internal")].filter((link) => link.hash === "");
    const show = () => {
      for (const link of links) {
        link.querySelector(".read-mark")?.remove();
        if (storage.getItem(`${PREFIX}read:${nameOf(link.href)}`)) {
          const words = make("span", { className: "visually-hidden" }, " (read)");
          link.append(make("span", { className: "read-mark" }, " ✓", words));
        }
      }
    };
    const article = document.querySelector("article.bd-article");
    if (article && here.startsWith("chapters/") && document.querySelector("#predict-first")) {
      const name = `read:${here}`;
      const button = make("button", { type: "button", className: "read-button" }, "I have read this chapter");
      const isRead = () => Boolean(storage.getItem(PREFIX + name));
      button.addEventListener("click", () => {
        keep(name, isRead() ? "" : new Date().toISOString());
        button.setAttribute("aria-pressed", String(isRead()));
        show();
      });
      button.setAttribute("aria-pressed", String(isRead()));
      article.append(make("p", {}, button));
    }
    show();
  }

  /** A formula wider than the page can be moved by the arrow keys as well: it can have the focus. */
  function formulas() {
    const mark = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
        else target.removeAttribute("tabindex");
      }
    });
    document.querySelectorAll("div.math mjx-container").forEach((formula) => mark.observe(formula));
  }

  /** How many of the questions at a chapter's end were right at the first try: a letter each, kept by what it asks. */
  function quiz() {
    const questions = [...document.querySelectorAll(".quiz-question")];
    if (!questions.length) return;
    const nameOf = (question) => `quiz:${question.dataset.key}`;
    const tries = new Map();
    for (const question of questions) {
      const first = storage.getItem(PREFIX + nameOf(question));
      if (first) tries.set(question, first);
    }
    const words = make("output");
    const again = make("button", { type: "button", className: "quiz-again" }, "Begin again");
    const show = () => {
      const right = [...tries.values()].filter((first) => first === "r").length;
      words.textContent = `${right} of ${tries.size} right at the first try.`;
      again.parentElement.hidden = !tries.size;
    };
    for (const question of questions) {
      const note = ({ target }) => {
        if (!target.open || tries.has(question)) return;
        tries.set(question, target.matches(".quiz-right") ? "r" : "w");
        keep(nameOf(question), tries.get(question));
        show();
      };
      question.addEventListener("toggle", note, true); // it does not bubble
    }
    again.addEventListener("click", () => {
      tries.clear();
      questions.forEach((question) => keep(nameOf(question), ""));
      document.querySelectorAll(".quiz details[open]").forEach((answer) => (answer.open = false));
      show();
    });
    questions.at(-1).after(make("p", { className: "quiz-score" }, words, again));
    show();
  }

  /** The arrow keys turn the page, where nothing on it has the focus that may want them. */
  function arrows() {
    const pages = { ArrowLeft: "prev", ArrowRight: "next" };
    document.addEventListener("keydown", (event) => {
      const free = document.activeElement === document.body && !event.defaultPrevented;
      if (!free || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const link = document.querySelector(`head link[rel="${pages[event.key]}"]`);
      if (link) location.assign(link.href);
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    arrows();
    formulas();
    if (!storage) return;
    predictions();
    quiz();
    progress();
  });
})();
