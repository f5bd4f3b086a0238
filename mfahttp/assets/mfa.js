// Security keys, and conveniences. Everything else works without this script.

const encode = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (b) => String.fromCharCode(b)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const descriptor = (d) => ({ ...d, id: decode(d.id) });

function creationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  return {
    ...json,
    challenge: decode(json.challenge),
    user: { ...json.user, id: decode(json.user.id) },
    excludeCredentials: (json.excludeCredentials ?? []).map(descriptor),
  };
}

function requestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  return {
    ...json,
    challenge: decode(json.challenge),
    allowCredentials: (json.allowCredentials ?? []).map(descriptor),
  };
}

// Credentials are taken apart field by field: extensions of password managers
// replace toJSON with versions that fail, and JSON.stringify calls it.
function credentialJSON(credential, response) {
  const json = { id: encode(credential.rawId), rawId: encode(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
  if (credential.authenticatorAttachment) json.authenticatorAttachment = credential.authenticatorAttachment;
  return json;
}

function registrationJSON(credential) {
  const r = credential.response;
  return credentialJSON(credential, {
    clientDataJSON: encode(r.clientDataJSON),
    attestationObject: encode(r.attestationObject),
    transports: r.getTransports ? r.getTransports() : [],
  });
}

function assertionJSON(credential) {
  const r = credential.response;
  const response = {
    clientDataJSON: encode(r.clientDataJSON),
    authenticatorData: encode(r.authenticatorData),
    signature: encode(r.signature),
  };
  if (r.userHandle) response.userHandle = encode(r.userHandle);
  return credentialJSON(credential, response);
}

class Problem extends Error {
  constructor(problem) {
    super(problem.code);
    this.problem = problem;
  }
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const json = await answer.json();
  if (!answer.ok) throw new Problem(json);
  return json;
}

// A browser runs one WebAuthn request at a time. Starting another one ends the
// one before.
let running = new AbortController();

function begin() {
  running.abort();
  running = new AbortController();
  return running.signal;
}

async function enroll(form) {
  const { api, next, codes } = form.dataset;
  const signal = begin();
  const started = await post(`${api}/enrollments`, { method: "webauthn", name: form.elements.name.value.trim() });
  const credential = await navigator.credentials.create({ publicKey: creationOptions(started.prompt), signal });
  const done = await post(`${api}/enrollments/${started.id}`, { response: registrationJSON(credential) });
  return done.recovery_codes_needed ? codes : next;
}

async function verify(form) {
  const { api, next } = form.dataset;
  const signal = begin();
  const started = await post(`${api}/challenges`, { method: "webauthn", refresh: true });
  const credential = await navigator.credentials.get({ publicKey: requestOptions(started.prompt), signal });
  await post(`${api}/challenges/${started.id}`, { response: assertionJSON(credential) });
  return next;
}

// explain returns the name of the sentence that the form has for an error.
// The sentences are in the template, so that they can be translated.
function explain(error) {
  if (error instanceof Problem) {
    return { rejected: "rejected", throttled: "throttled", bad_request: "invalid", conflict: "conflict" }[error.problem.code] ?? "failed";
  }
  switch (error.name) {
    case "NotAllowedError": return "cancelled";
    case "InvalidStateError": return "registered";
    case "SecurityError": return "domain";
    case "NotSupportedError": return "unsupported";
    default: return "failed";
  }
}

// follow goes to where something can be done about a problem. After a sign-in
// nobody is asked to verify twice: the way back leads past the verify page.
function follow(problem, form) {
  const to = new URL(problem.redirect_to, location.href);
  const here = location.pathname + location.search;
  to.searchParams.set("return_to", form.dataset.webauthn === "verify" ? form.dataset.next : here);
  location.assign(to);
}

function ready(form) {
  const button = form.querySelector("button[type=submit]");
  const alert = form.querySelector("[role=alert]");
  const say = (name) => {
    alert.textContent = form.dataset[name] ?? form.dataset.failed;
    alert.hidden = false;
    alert.focus();
  };
  if (!window.PublicKeyCredential) {
    say("unsupported");
    return;
  }
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    alert.hidden = true;
    button.disabled = true;
    try {
      location.assign(await (form.dataset.webauthn === "enroll" ? enroll(form) : verify(form)));
    } catch (error) {
      if (error.problem?.redirect_to) follow(error.problem, form);
      else if (error.name !== "AbortError") say(explain(error));
    } finally {
      button.disabled = false;
    }
  });
}

function codesTools(tools) {
  const list = document.getElementById("codes");
  const status = document.getElementById("codes-status");
  const text = Array.from(list.querySelectorAll("li"), (li) => li.textContent.trim()).join("\n") + "\n";
  tools.hidden = false;
  document.getElementById("codes-print").addEventListener("click", () => window.print());
  document.getElementById("codes-download").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${list.dataset.app}\n\n${text}`], { type: "text/plain" }));
    link.download = "recovery-codes.txt";
    link.click();
  });
  document.getElementById("codes-copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = status.dataset.copied;
    } catch {
      status.textContent = status.dataset.failed;
    }
  });
}

// Of a form that is sent twice, by a double click, a browser shows the second
// answer: that the code was used. Who waits for so many milliseconds means it.
const sameClick = 5000;

function sendOnce(form) {
  let sent = -Infinity;
  form.addEventListener("submit", (event) => {
    if (performance.now() - sent < sameClick) event.preventDefault();
    else sent = performance.now();
  });
}

// Secrets are shown once, also by a browser that keeps the page, no-store or
// not, for its back button.
addEventListener("pagehide", () => document.querySelectorAll("#qr, #otpauth, #secret, #codes").forEach((element) => element.remove()));

// Templates may leave out what they do not want.
document.querySelectorAll("form[data-webauthn]").forEach(ready);
document.querySelectorAll("#codes-tools").forEach(codesTools);
document.querySelectorAll("form[method=post]").forEach(sendOnce);
if (!document.querySelector("[autofocus]")) document.getElementById("alert")?.focus();
for (const time of document.querySelectorAll(".mfa time[datetime]")) {
  time.textContent = new Date(time.dateTime).toLocaleDateString(document.documentElement.lang || undefined, { dateStyle: "long" });
}
