// Shows a form of Leadflow where this script stands. It has no dependencies and stores nothing.
(function () {
  "use strict";
  var script = document.currentScript;
  var address = script.src.replace(/\/embed\.js.*$/, "");

  function element(name, attributes, parent) {
    var made = document.createElement(name);
    Object.keys(attributes).forEach(function (key) {
      if (key === "text") made.textContent = attributes.text;
      else if (attributes[key] === true) made.setAttribute(key, "");
      else if (attributes[key] || attributes[key] === 0) made.setAttribute(key, attributes[key]);
    });
    if (parent) parent.appendChild(made);
    return made;
  }

  function zeroBits(bytes) {
    for (var i = 0; i < bytes.length; i++) if (bytes[i]) return i * 8 + Math.clz32(bytes[i]) - 24;
    return bytes.length * 8;
  }

  async function work(started, bits) {
    for (var n = 0; ; n++) {
      var text = new TextEncoder().encode(started + ":" + n);
      if (zeroBits(new Uint8Array(await crypto.subtle.digest("SHA-256", text))) >= bits) return String(n);
    }
  }

  function question(field, form) {
    if (field.type === "hidden") return element("input", { type: "hidden", name: field.name, value: field.value }, form);
    if (field.type === "checkbox") {
      var box = element("label", {}, element("p", {}, form));
      element("input", { type: "checkbox", name: field.name, required: field.required }, box);
      return box.appendChild(document.createTextNode(" " + field.label));
    }
    var label = element("label", { text: field.label + (field.required ? " *" : "") }, element("p", {}, form));
    element("br", {}, label);
    var common = { name: field.name, required: field.required, autocomplete: field.autocomplete };
    if (field.type === "textarea") return element("textarea", common, label);
    if (field.type === "select") {
      var select = element("select", common, label);
      element("option", { value: "" }, select);
      field.options.forEach(function (option) { element("option", { text: option }, select); });
      return select;
    }
    common.type = field.type;
    return element("input", common, label);
  }

  // The definition as it is now. With the token of a form that was shown, the time of its first showing counts.
  function load(started) {
    var query = started ? "?started=" + encodeURIComponent(started) : "";
    return fetch(address + query, { headers: { Accept: "application/json" } }).then(function (answer) {
      if (!answer.ok) throw answer;
      return answer.json();
    });
  }

  function fill(form, answers) {
    Array.prototype.forEach.call(form.elements, function (field) {
      if (field.type === "hidden" || !(field.name in answers)) return;
      if (field.type === "checkbox") field.checked = true;
      else field.value = answers[field.name];
    });
  }

  // `answers` and `problem`: of a form that is shown again, with what is to be corrected.
  function show(definition, place, answers, problem) {
    place.textContent = "";
    var form = element("form", {}, place);
    definition.fields.forEach(function (field) { question(field, form); });
    var trap = element("div", { "aria-hidden": "true", style: "position:absolute;left:-9999px" }, form);
    element("input", { name: definition.honeypot, tabindex: "-1", autocomplete: "off" }, trap);
    if (definition.consent) {
      question({ name: "consent", type: "checkbox", required: definition.consent.required, label: definition.consent.text }, form);
    }
    fill(form, answers);
    var wrong = element("p", { role: "alert", text: problem }, form);
    var button = element("button", { text: definition.submit_label }, form);
    form.addEventListener("submit", async function (event) {
      event.preventDefault();
      button.disabled = true;
      wrong.textContent = "";
      var answers = {};
      new FormData(form).forEach(function (value, name) { answers[name] = value; });
      var values = Object.assign({ started: definition.started }, answers);
      try {
        if (definition.proof_of_work_bits) values.work = await work(definition.started, definition.proof_of_work_bits);
        var answer = await fetch(address + "/submissions", {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json" },
          body: JSON.stringify(values),
        });
        var body = await answer.json();
        if (answer.ok) {
          if (definition.redirect_url) return window.location.assign(definition.redirect_url);
          place.textContent = "";
          element("p", { role: "status", text: body.message }, place);
          return;
        }
        var errors = body.errors || [{ message: body.detail }];
        wrong.textContent = errors.map(function (error) {
          var asked = definition.fields.find(function (field) { return field.name === error.field; });
          return (asked ? asked.label + " " : "") + error.message + ".";
        }).join(" ");
        // It was open for too long, or asks for consent with another text by now: what is sent next has to be of today.
        if (errors.some(function (error) { return ["started", "work", "consent"].indexOf(error.field) >= 0; })) {
          var present = await load(definition.started);
          if (JSON.stringify(present.consent) !== JSON.stringify(definition.consent)) delete answers.consent;
          return show(present, place, answers, wrong.textContent);
        }
      } catch (failure) {
        wrong.textContent = "The form could not be sent. Please try again.";
      }
      button.disabled = false;
    });
  }

  var place = element("div", { class: "leadflow-form" });
  script.parentNode.insertBefore(place, script);
  load("")
    .then(function (definition) { show(definition, place, {}, ""); })
    .catch(function () { place.textContent = "The form cannot be shown here now."; });
})();
