// What the two forms share: showing what is wrong where it is wrong, and saying how sending went.

/** Return a key under which the server recognises a repeated submission. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers offer randomUUID on secure origins only; this is as random.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Show TEXT under FIELD; an empty text takes the error away. */
export function showError(field, text) {
  document.getElementById(`${field.id}-error`).textContent = text;
  if (text) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

/** Say in the live region how it went; KIND is "", "good" or "bad". */
export function say(text, kind = "") {
  const status = document.getElementById("status");
  status.className = `status ${kind}`;
  status.textContent = text;
}

/** Return what to tell a visitor about an answer that was not a success. */
export function explain(status, problem) {
  const quote = problem.request_id ? ` (request ${problem.request_id})` : "";
  if (status === 0) return "We could not be reached. Please check your connection and send again; nothing is sent twice.";
  return `${problem.detail || "Something went wrong on our side. Please try again."}${status >= 500 ? quote : ""}`;
}

/** Return the JSON object in TEXT, or an empty one. */
export function parse(text) {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
}
