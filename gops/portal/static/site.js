"use strict";
// Copies commands, and completes queries of the search. Every page works without it too.
(() => {
  const WAIT = 150; // milliseconds after the last key before the server is asked
  const said = document.getElementById("said");
  const tell = (text) => {
    if (said) {
      said.textContent = text;
    }
  };

  // Browsers give their clipboard to pages of https and localhost alone; others copy what is selected.
  const copy = async (code) => {
    if (navigator.clipboard && window.isSecureContext) {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    }
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  };

  for (const pre of document.querySelectorAll("pre.command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = said.dataset.copy;
    button.addEventListener("click", async () => {
      const done = await copy(pre.querySelector("code")).catch(() => false);
      button.textContent = done ? said.dataset.copied : said.dataset.failed;
      tell(button.textContent);
      setTimeout(() => {
        button.textContent = said.dataset.copy;
        tell("");
      }, 3000);
    });
    pre.before(button);
  }

  // A combobox with a list box, as the ARIA Authoring Practices have it: the focus stays in the field.
  const complete = (field) => {
    const list = document.createElement("ul");
    list.id = `${field.id}-list`;
    list.className = "completions";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", field.dataset.completions);
    field.after(list);
    field.type = "text";
    const state = { role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" };
    for (const [name, value] of Object.entries(state)) {
      field.setAttribute(name, value);
    }
    let chosen = -1;
    let timer = 0;
    let asked = null;

    const close = () => {
      clearTimeout(timer);
      asked?.abort();
      chosen = -1;
      list.hidden = true;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    };
    const choose = (place) => {
      const options = [...list.children];
      chosen = (place + options.length) % options.length;
      options.forEach((one, at) => one.setAttribute("aria-selected", String(at === chosen)));
      options[chosen].scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", options[chosen].id);
    };
    const take = (option) => {
      const { slug } = option.dataset;
      close();
      if (slug) {
        location.assign(`/datasets/${encodeURIComponent(slug)}?lang=${document.documentElement.lang}`);
        return;
      }
      field.value = option.textContent;
      field.form.requestSubmit();
    };
    const show = (items) => {
      list.replaceChildren(...items.map((one, at) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${at}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.textContent = one.text;
        if (one.slug) {
          option.dataset.slug = one.slug;
        }
        return option;
      }));
      chosen = -1;
      field.removeAttribute("aria-activedescendant");
      list.hidden = items.length === 0;
      field.setAttribute("aria-expanded", String(!list.hidden));
      tell(items.length ? field.dataset.count.replace("{count}", items.length) : "");
    };
    const ask = async () => {
      asked?.abort();
      const words = field.value.trim();
      if (!words) {
        close();
        return;
      }
      asked = new AbortController();
      try {
        const answer = await fetch(`/api/v1/search/suggest?q=${encodeURIComponent(words)}`, { signal: asked.signal });
        if (document.activeElement === field && field.value.trim() === words) {
          show(answer.ok ? (await answer.json()).items : []);
        }
      } catch (error) {
        if (error.name !== "AbortError") {
          close(); // without the server nothing is proposed; the form still says what is wrong
        }
      }
    };

    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    });
    field.addEventListener("blur", close);
    field.addEventListener("keydown", (event) => {
      if (event.isComposing || list.hidden) {
        return; // a syllable of Korean is still being written, or there is nothing to choose
      }
      const moves = { ArrowDown: chosen + 1, ArrowUp: chosen < 0 ? -1 : chosen - 1 };
      if (event.key in moves) {
        choose(moves[event.key]);
      } else if (event.key === "Enter" && chosen >= 0) {
        take(list.children[chosen]);
      } else if (event.key === "Escape") {
        close();
      } else {
        return;
      }
      event.preventDefault();
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the field keeps the focus, so that the list is there for the click
    });
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) {
        take(option);
      }
    });
  };
  document.querySelectorAll("input[data-completions]").forEach(complete);
})();
