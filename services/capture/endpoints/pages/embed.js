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

  function show(definition, place) {
    var form = element("form", {}, place);
    definition.fields.forEach(function (field) { question(field, form); });
    var trap = element("div", { "aria-hidden": "true", style: "position:absolute;left:-9999px" }, form);
    element("input", { name: definition.honeypot, tabindex: "-1", autocomplete: "off" }, trap);
    if (definition.consent) {
      question({ name: "consent", type: "checkbox", required: definition.consent.required, label: definition.consent.text }, form);
    }
    var wrong = element("p", { role: "alert" }, form);
    var button = element("button", { text: definition.submit_label }, form);
    form.addEventListener("submit", async function (event) {
      event.preventDefault();
      button.disabled = true;
      wrong.textContent = "";
      var values = { started: definition.started };
      new FormData(form).forEach(function (value, name) { values[name] = value; });
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
        wrong.textContent = (body.errors || [{ message: body.detail }]).map(function (error) {
          var asked = definition.fields.find(function (field) { return field.name === error.field; });
          return (asked ? asked.label + " " : "") + error.message + ".";
        }).join(" ");
      } catch (failure) {
        wrong.textContent = "The form could not be sent. Please try again.";
      }
      button.disabled = false;
    });
  }

  var place = element("div", { class: "leadflow-form" });
  script.parentNode.insertBefore(place, script);
  fetch(address, { headers: { Accept: "application/json" } })
    .then(function (answer) { if (!answer.ok) throw answer; return answer.json(); })
    .then(function (definition) { show(definition, place); })
    .catch(function () { place.textContent = "The form cannot be shown here now."; });
})();
