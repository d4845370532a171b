// The careers upload: one file as the body of the request, with its progress.
import { explain, parse, say, showError } from "/assets/form.js";

const types = {
  pdf: "application/pdf",
  doc: "application/msword",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  odt: "application/vnd.oasis.opendocument.text",
};
const limit = 50 * 1024 * 1024;
const form = document.getElementById("careers");
const button = form.querySelector("button");
const input = document.getElementById("document");
const progress = document.getElementById("progress");

const typeOf = (file) => types[file.name.split(".").pop().toLowerCase()];

function problemWith(file) {
  if (!file) return "Please choose a file.";
  if (!typeOf(file)) return "Please choose a PDF, DOC, DOCX or ODT file.";
  if (file.size > limit) return "This file is larger than 50 MB.";
  if (file.size === 0) return "This file is empty.";
  return "";
}

// XMLHttpRequest, because fetch cannot tell how much has been sent.
function send(file) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${form.action}?filename=${encodeURIComponent(file.name.slice(-120))}`);
    request.setRequestHeader("Content-Type", typeOf(file));
    request.upload.addEventListener("progress", (event) => {
      progress.value = (100 * event.loaded) / event.total;
    });
    request.addEventListener("loadend", () => resolve({ status: request.status, answer: parse(request.responseText) }));
    request.send(file);
  });
}

function report({ status, answer }) {
  if (status === 201) {
    form.reset();
    say(`Thank you. Your document has arrived; its number is ${answer.id}.`, "good");
  } else {
    say(explain(status, answer), "bad");
  }
}

form.noValidate = true;
button.disabled = false;
input.addEventListener("change", () => showError(input, problemWith(input.files[0])));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = problemWith(input.files[0]);
  showError(input, problem);
  if (problem) {
    input.focus();
    return;
  }
  button.disabled = true;
  progress.value = 0;
  progress.hidden = false;
  say("Sending …");
  report(await send(input.files[0]));
  progress.hidden = true;
  button.disabled = false;
});
