// The team page: the versions of both halves, side by side.
import { say } from "/assets/form.js";

async function fill(list) {
  // From the origin: a page that was opened with user:password@ in its address cannot fetch relative addresses.
  const response = await fetch(location.origin + list.dataset.source, { cache: "no-store" });
  if (!response.ok) throw new Error(`${list.dataset.source} answered ${response.status}`);
  for (const [name, value] of Object.entries(await response.json())) {
    const term = document.createElement("dt");
    const detail = document.createElement("dd");
    term.textContent = name.replace("_", " ");
    detail.textContent = value;
    list.append(term, detail);
  }
}

const lists = [...document.querySelectorAll("dl[data-source]")];
const results = await Promise.allSettled(lists.map(fill));
const failed = results.filter((result) => result.status === "rejected");
if (failed.length) say(failed.map((result) => result.reason.message).join("; "), "bad");
