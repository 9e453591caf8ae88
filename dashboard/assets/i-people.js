/* Accounts and keys: a question before what cannot be taken back, and secrets that are shown once, until they are put away. */
(function (cw) {
  "use strict";

  function asked(event) {
    const about = event.target.closest("[data-confirm]");
    if (!about || window.confirm(about.dataset.confirm)) return;
    event.preventDefault();
    event.stopPropagation();
  }
  document.addEventListener("click", asked, true);

  function element(name, words, className) {
    const made = document.createElement(name);
    if (words) made.textContent = words;
    if (className) made.className = className;
    return made;
  }

  cw.showSecret = function (secret) {
    const dialog = element("dialog", "", "dialog");
    const form = element("form", "");
    form.method = "dialog";
    const title = element("h2", secret.title);
    title.id = "secret-title";
    dialog.setAttribute("aria-labelledby", title.id);
    const fields = secret.fields.flatMap(function ([words, value], at) {
      const label = element("label", words);
      const input = element("input", "");
      label.htmlFor = input.id = `secret-${at}`;
      input.readOnly = true;
      input.spellcheck = false;
      input.value = value;
      return [label, input];
    });
    const buttons = element("p", "", "dialog-buttons");
    const copy = element("button", secret.copy, "button");
    copy.type = "button";
    copy.addEventListener("click", () => navigator.clipboard?.writeText(secret.value));
    buttons.append(copy, element("button", secret.close, "button primary"));
    form.append(title, element("p", secret.note, "soft"), ...fields, buttons);
    dialog.append(form);
    // It leaves no trace on the page.
    dialog.addEventListener("close", function () {
      dialog.remove();
      cw.set("act-result", { data: null });
    });
    document.body.append(dialog);
    dialog.showModal();
    fields.find((field) => field.value === secret.value).select();
  };
})(window.citywatch);
