// The contact form: checks the fields, sends them as JSON, and sends a repeated attempt under the same key.
import { explain, newKey, parse, say, showError } from "/assets/form.js";

const form = document.getElementById("contact");
const button = form.querySelector("button");
const fields = ["name", "email", "topic", "message"].map((id) => document.getElementById(id));
const asks = {
  name: "Please tell us your name.",
  email: "Please give an email address such as name@example.org.",
  topic: "Please choose a topic.",
  message: "Please write at least 10 characters.",
};
let attempt = { body: "", key: "" };

const isValid = (field) => field.checkValidity() && field.value.trim().length >= (field.id === "message" ? 10 : 1);

function check(field) {
  const good = isValid(field);
  showError(field, good ? "" : asks[field.id]);
  return good;
}

async function send() {
  const body = JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, field.value.trim()])));
  if (attempt.body !== body) attempt = { body, key: newKey() };
  let status = 0;
  let answer = {};
  try {
    const response = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": attempt.key },
      body,
    });
    status = response.status;
    answer = parse(await response.text());
  } catch {
    status = 0;
  }
  return { status, answer };
}

function report({ status, answer }) {
  if (status === 200 || status === 201) {
    form.reset();
    attempt = { body: "", key: "" };
    say(`Thank you. Your message has arrived; its number is ${answer.id}.`, "good");
    return;
  }
  for (const { field, message } of answer.errors || []) {
    const input = fields.find((candidate) => candidate.name === field);
    if (input) showError(input, `This ${message}.`.replace("This String", "This"));
  }
  say(explain(status, answer), "bad");
}

form.noValidate = true;
button.disabled = false;
for (const field of fields) {
  field.addEventListener("blur", () => field.value && check(field));
  // "change" too: choosing from a list does not send "input" everywhere.
  for (const name of ["input", "change"]) {
    field.addEventListener(name, () => field.hasAttribute("aria-invalid") && check(field));
  }
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = fields.filter((field) => !check(field));
  if (wrong.length) {
    say(wrong.length === 1 ? "One field needs another look." : `${wrong.length} fields need another look.`, "bad");
    wrong[0].focus();
    return;
  }
  button.disabled = true;
  say("Sending …");
  report(await send());
  button.disabled = false;
});
